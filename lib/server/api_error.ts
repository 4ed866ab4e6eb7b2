/** The codes of distribution-spec 1.1, "Error Codes", with the status that belongs to each. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  // Not of the specification, but what registries answer: something went wrong here.
  UNKNOWN: 500,
} as const;

/** A code of {@link ApiError}. */
export type ApiErrorCode = keyof typeof STATUS;

/** Details of an {@link ApiError}. */
export interface ApiErrorOptions {
  /** If it is another than the one that belongs to the code. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Any JSON. */
  detail?: unknown;
  cause?: unknown;
}

/** What a client did wrong, or cannot have, as the specification's error JSON tells it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(readonly code: ApiErrorCode, message: string, readonly options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? STATUS[code];
  }

  /** distribution-spec 1.1, "Error Codes". */
  response(): Response {
    const { headers, detail } = this.options;
    const error = { code: this.code, message: this.message, ...(detail !== undefined && { detail }) };
    return new Response(JSON.stringify({ errors: [error] }), {
      status: this.status,
      headers: { "Content-Type": "application/json", ...headers },
    });
  }
}
