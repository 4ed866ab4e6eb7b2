/** What a signature of Notary Project's is called, as `artifactType` or as the type of the config. */
export const SIGNATURE_TYPE = "application/vnd.cncf.notary.signature";
