/** A parameter of a gadget. */
export interface PageParam {
  operator: string;
  variable: string;
  key?: string;
  alias?: string;
  title?: string;
  description?: string;
  defaultValue?: string;
  type?: string;
  valueHint?: string;
  isMandatory: boolean;
  possibleValues: readonly string[];
}

/** What a gadget tells records from. */
export interface PageDataSource {
  name: string;
  annotations: readonly (readonly [key: string, value: string])[];
  fields: readonly { name: string; annotations: readonly (readonly [key: string, value: string])[] }[];
}

/** What a gadget says of itself. */
export interface PageGadget {
  name?: string;
  description?: string;
  homepageURL?: string;
  documentationURL?: string;
  sourceURL?: string;
  params: readonly PageParam[];
  dataSources: readonly PageDataSource[];
  /** Whether there was more than was read. */
  isCut: boolean;
}

/** Whom a certificate names. */
export interface CertificateIdentity {
  subject: string;
  issuer?: string;
}

/** What the pages need and other areas know. Whatever these are given comes from outside. */
export interface PageTools {
  /** The media type of a gadget's config, which {@link readGadget} reads. */
  gadgetConfigType: string;
  readGadget(bytes: Uint8Array): Promise<PageGadget | undefined>;
  /** @param certificate PEM text, or DER */
  identityOf(certificate: string | Uint8Array): CertificateIdentity | undefined;
  /** A point in time by RFC 3339, as `2026-01-02T03:04:05.000Z` and in words; `undefined` if it is none. */
  readTime(text: string): { exact: string; age: string } | undefined;
  formatSize(bytes: number): string;
  /** Told of content that turned out to be damaged. */
  onError(error: unknown): void;
}
