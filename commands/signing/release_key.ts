/**
 * The key that releases of Inspektor Gadget's gadgets are signed with: what `ig image verify` trusts if it is told nothing else, and
 * what the Helm chart of Inspektor Gadget has as its default.
 */
export const RELEASE_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoDOC0gYSxZTopenGmX3ZFvQ1DSfh
Ir4EKRt5jC+mXaJ7c7J+oREskYMn/SfZdRHNSOjLTZUMDm60zpXGhkFecg==
-----END PUBLIC KEY-----
`;
