import { RE2JS } from "re2js";
import type { CertificateIdentity } from "../../../lib/plugin/contract.ts";
import type { CertifiedSigner } from "./signer.ts";

/** Whether somebody is one of those who are trusted. */
export type IsTrusted = (signer: Pick<CertifiedSigner, "subjects" | "issuer">) => boolean;

type IsText = (text: string) => boolean;

/**
 * Makes the test for some identities. Regular expressions are those of RE2, as cosign's are, whose time grows with the text alone: the
 * text is from who has signed. They stand for the whole of it.
 *
 * @throws {Error} if one leaves open whom or by whom, or has a regular expression that is none
 */
export function readIdentities(identities: readonly CertificateIdentity[]): IsTrusted {
  const tests = identities.map(({ subject, subjectRegExp, issuer, issuerRegExp }) => ({
    isSubject: textTest(subject, subjectRegExp, "whose certificate"),
    isIssuer: textTest(issuer, issuerRegExp, "who vouches for that"),
  }));
  // Other authorities than Fulcio do not say who vouches: an expression for any text, and it alone, takes that as well.
  return ({ subjects, issuer = "" }) =>
    tests.some(({ isSubject, isIssuer }) => isIssuer(issuer) && subjects.some(isSubject));
}

function textTest(text: string | undefined, expression: string | undefined, what: string): IsText {
  if (text !== undefined && expression !== undefined) {
    throw new Error(`an identity says in two ways ${what} has to be there`);
  }
  if (expression === undefined) {
    if (!text) throw new Error(`an identity does not say ${what}: nobody is trusted by the other half alone`);
    return (found) => found === text;
  }
  if (expression === "") throw new Error(`an identity does not say ${what}: its regular expression is empty`);
  try {
    const compiled = RE2JS.compile(expression);
    return (found) => compiled.matches(found);
  } catch {
    throw new Error(`${JSON.stringify(expression)} is no regular expression as RE2 has them`);
  }
}
