import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { type Answered, createHandler, type Handler, type HandlerOptions, unsentAnswer } from "../../lib/server/mod.ts";
import { listen, type Listener, type ListenOptions } from "../../lib/runtime/mod.ts";
import { residentMemory } from "../../lib/runtime/process.ts";
import { write } from "../../lib/terminal/mod.ts";
import { createMetrics, openAccounts } from "../../lib/serving/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import { count } from "../output/count.ts";
import { EXIT_OK } from "../output/exit.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { accessLine } from "./access_log.ts";
import { formatAddress, type ListenAddress } from "./address.ts";
import { type Content, openContent } from "./content.ts";
import { greeting } from "./greeting.ts";
import { readServeOptions, type ServeOptions } from "./options.ts";
import { readTlsFiles } from "./tls.ts";

/** How long open transfers may go on after the end was asked for, in milliseconds. */
const TRANSFER_GRACE = 10_000;

/** How long the command may take to come to rest, in milliseconds: a little longer than what is open may go on. */
export const grace = TRANSFER_GRACE + 5_000;

/** Told of every answer. */
type AnswerListener = (answered: Answered) => void;

/** `satchel serve`: answers the distribution API from the local store, until it is told to end. */
export async function run(invocation: Invocation): Promise<number> {
  const { signal } = invocation;
  const options = readServeOptions(invocation.flags);
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, signal);
  options.warnings.forEach(reporter.warn);
  const { idleSeconds } = options;
  const tls = options.tls && readTlsFiles(options.tls, reporter.warn);
  const onError = (error: unknown) => reporter.warn(systemReason(error));
  await using content = await openContent(options, settings, reporter, { signal, onError });
  const onAnswer: AnswerListener[] = [logger(options, settings.quiet)];
  const pages = options.hasPage ? (await import("./page.ts")).servePages(onError) : {};
  const handler = handlerOf({ ...content, ...pages }, options, reporter, onAnswer);
  const listener = open(options.listen, "listen", { handler, unsent: unsentAnswer, idleSeconds, ...(tls && { tls }) });
  let admin: Listener | undefined;
  try {
    if (options.adminListen) {
      admin = await openAdmin(options.adminListen, { content, listener, idleSeconds, onAnswer, signal });
      reporter.status(`Metrics are on http://${formatAddress({ ...options.adminListen, port: admin.port })}/metrics`);
    }
    const at = { hostname: options.listen.hostname, port: listener.port };
    if (!settings.quiet) {
      write("stdout", await greeting(content, at, { ...options, ...(tls && { certificate: tls.cert }) }));
    }
    await aborted(signal);
  } finally {
    const closed = listener.close(TRANSFER_GRACE);
    if (listener.openRequests > 0) reporter.status("Ending, when what is open has ended, or in 10 s");
    const cut = await closed;
    if (cut > 0) reporter.status(`Ended with ${count(cut, "transfer")} open`);
    await admin?.close(0);
  }
  return EXIT_OK;
}

function handlerOf(
  { repositories, fileBody, page, errorPage }: Pick<HandlerOptions, "repositories" | "fileBody" | "page" | "errorPage">,
  options: ServeOptions,
  { warn }: Reporter,
  onAnswer: readonly AnswerListener[],
): Handler {
  const { htpasswd, anonymousPull, mirrorOf, maxUpload, idleSeconds, hosts } = options;
  const accounts = htpasswd === undefined ? undefined : openAccounts(htpasswd, warn);
  return createHandler({
    repositories,
    fileBody,
    mirrorOf,
    uploadSilence: idleSeconds * 1000,
    onAnswer: (answered) => onAnswer.forEach((tell) => tell(answered)),
    ...(page && { page }),
    ...(errorPage && { errorPage }),
    ...(hosts && { hosts }),
    ...(accounts && { access: { accounts, anonymousPull } }),
    ...(maxUpload !== undefined && { maxUpload }),
  });
}

/** What writes the log. With `--quiet` only what went wrong here is logged. */
function logger({ logFormat }: ServeOptions, isQuiet: boolean): AnswerListener {
  return (answered) => {
    if (isQuiet && answered.error === undefined) return;
    try {
      write("stderr", accessLine(answered, logFormat, new Date()));
    } catch {
      // A log that has no room any more, on a full disk, is no reason to answer nobody.
    }
  };
}

/** What the second listener is made from. */
interface AdminParts {
  content: Content;
  listener: Listener;
  idleSeconds: number;
  onAnswer: AnswerListener[];
  signal: AbortSignal;
}

async function openAdmin(address: ListenAddress, parts: AdminParts): Promise<Listener> {
  const { content, listener, idleSeconds, onAnswer, signal } = parts;
  const { adminHandler } = await import("./admin.ts");
  const metrics = createMetrics({ openRequests: () => listener.openRequests, residentMemory });
  onAnswer.push(metrics.count);
  const handler = adminHandler({
    metrics,
    check: content.check,
    isEnding: () => signal.aborted,
  });
  return open(address, "admin-listen", { handler, idleSeconds });
}

/** @param flag its long name, for the hint */
function open(address: ListenAddress, flag: string, options: Omit<ListenOptions, "hostname" | "port">): Listener {
  try {
    return listen({ ...address, ...options });
  } catch (cause) {
    const at = printable(formatAddress(address), 300);
    const code = systemCode(cause) ?? "";
    const reason = LISTEN_REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
    throw new SatchelError("network", `Cannot listen on ${at}: ${printable(reason, 300)}`, {
      hint: `Give another address with --${flag}; port 0 is any that is free.`,
      cause,
    });
  }
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "permission denied: ports below 1024 are for root",
  EADDRNOTAVAIL: "this host has no such address",
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
