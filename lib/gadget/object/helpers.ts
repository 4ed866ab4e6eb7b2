/**
 * The functions of the kernel that programs call, by their numbers (`enum bpf_func_id`), as cilium/ebpf spells them.
 *
 * @see https://man7.org/linux/man-pages/man7/bpf-helpers.7.html
 */
const HELPERS: readonly string[] = `
  Unspec MapLookupElem MapUpdateElem MapDeleteElem ProbeRead KtimeGetNs TracePrintk GetPrandomU32 GetSmpProcessorId
  SkbStoreBytes L3CsumReplace L4CsumReplace TailCall CloneRedirect GetCurrentPidTgid GetCurrentUidGid GetCurrentComm
  GetCgroupClassid SkbVlanPush SkbVlanPop SkbGetTunnelKey SkbSetTunnelKey PerfEventRead Redirect GetRouteRealm
  PerfEventOutput SkbLoadBytes GetStackid CsumDiff SkbGetTunnelOpt SkbSetTunnelOpt SkbChangeProto SkbChangeType
  SkbUnderCgroup GetHashRecalc GetCurrentTask ProbeWriteUser CurrentTaskUnderCgroup SkbChangeTail SkbPullData
  CsumUpdate SetHashInvalid GetNumaNodeId SkbChangeHead XdpAdjustHead ProbeReadStr GetSocketCookie GetSocketUid
  SetHash Setsockopt SkbAdjustRoom RedirectMap SkRedirectMap SockMapUpdate XdpAdjustMeta PerfEventReadValue
  PerfProgReadValue Getsockopt OverrideReturn SockOpsCbFlagsSet MsgRedirectMap MsgApplyBytes MsgCorkBytes
  MsgPullData Bind XdpAdjustTail SkbGetXfrmState GetStack SkbLoadBytesRelative FibLookup SockHashUpdate
  MsgRedirectHash SkRedirectHash LwtPushEncap LwtSeg6StoreBytes LwtSeg6AdjustSrh LwtSeg6Action RcRepeat RcKeydown
  SkbCgroupId GetCurrentCgroupId GetLocalStorage SkSelectReuseport SkbAncestorCgroupId SkLookupTcp SkLookupUdp
  SkRelease MapPushElem MapPopElem MapPeekElem MsgPushData MsgPopData RcPointerRel SpinLock SpinUnlock SkFullsock
  TcpSock SkbEcnSetCe GetListenerSock SkcLookupTcp TcpCheckSyncookie SysctlGetName SysctlGetCurrentValue
  SysctlGetNewValue SysctlSetNewValue Strtol Strtoul SkStorageGet SkStorageDelete SendSignal TcpGenSyncookie
  SkbOutput ProbeReadUser ProbeReadKernel ProbeReadUserStr ProbeReadKernelStr TcpSendAck SendSignalThread
  Jiffies64 ReadBranchRecords GetNsCurrentPidTgid XdpOutput GetNetnsCookie GetCurrentAncestorCgroupId SkAssign
  KtimeGetBootNs SeqPrintf SeqWrite SkCgroupId SkAncestorCgroupId RingbufOutput RingbufReserve RingbufSubmit
  RingbufDiscard RingbufQuery CsumLevel SkcToTcp6Sock SkcToTcpSock SkcToTcpTimewaitSock SkcToTcpRequestSock
  SkcToUdp6Sock GetTaskStack LoadHdrOpt StoreHdrOpt ReserveHdrOpt InodeStorageGet InodeStorageDelete DPath
  CopyFromUser SnprintfBtf SeqPrintfBtf SkbCgroupClassid RedirectNeigh PerCpuPtr ThisCpuPtr RedirectPeer
  TaskStorageGet TaskStorageDelete GetCurrentTaskBtf BprmOptsSet KtimeGetCoarseNs ImaInodeHash SockFromFile
  CheckMtu ForEachMapElem Snprintf SysBpf BtfFindByNameKind SysClose TimerInit TimerSetCallback TimerStart
  TimerCancel GetFuncIp GetAttachCookie TaskPtRegs GetBranchSnapshot TraceVprintk SkcToUnixSock KallsymsLookupName
  FindVma Loop Strncmp GetFuncArg GetFuncRet GetFuncArgCnt GetRetval SetRetval XdpGetBuffLen XdpLoadBytes
  XdpStoreBytes CopyFromUserTask SkbSetTstamp ImaFileHash KptrXchg MapLookupPercpuElem SkcToMptcpSock
  DynptrFromMem RingbufReserveDynptr RingbufSubmitDynptr RingbufDiscardDynptr DynptrRead DynptrWrite DynptrData
  TcpRawGenSyncookieIpv4 TcpRawGenSyncookieIpv6 TcpRawCheckSyncookieIpv4 TcpRawCheckSyncookieIpv6 KtimeGetTaiNs
  UserRingbufDrain CgrpStorageGet CgrpStorageDelete
`.trim().split(/\s+/);

/** The name of a function of the kernel, `FnMapLookupElem`; one that is not known is called by its number. */
export function helperName(id: number): string {
  const name = HELPERS[id];
  return name === undefined ? `BuiltinFunc(${id >>> 0})` : `Fn${name}`;
}
