import assert from "node:assert/strict";
import { authFiles, fileForWriting } from "./auth_files.ts";

const ROOTS = "/var/lib/ig/config.json";
const me = { own: "/home/me/.ig", home: "/home/me", uid: 1000, environment: {} };
const root = { own: "/var/lib/ig", home: "/home/root", uid: 0, environment: {} };

Deno.test("accounts are looked for in the user's own file, then root's; without those in Docker's, then Podman's", () => {
  assert.deepEqual(authFiles(undefined, me), {
    own: ["/home/me/.ig/config.json", ROOTS],
    fallbacks: [{ path: "/home/me/.docker/config.json" }, { path: "/run/containers/1000/auth.json" }],
  });
  assert.deepEqual(authFiles(undefined, root), {
    own: [ROOTS],
    fallbacks: [{ path: "/home/root/.docker/config.json" }, { path: "/run/containers/0/auth.json" }],
  });
  assert.deepEqual(authFiles(undefined, { environment: {} }), { own: [ROOTS], fallbacks: [] });
});

Deno.test("DOCKER_CONFIG and XDG_RUNTIME_DIR name the folders of Docker's and Podman's file", () => {
  const environment = { DOCKER_CONFIG: "/srv/docker", XDG_RUNTIME_DIR: "/run/user/1000" };
  assert.deepEqual(authFiles(undefined, { ...me, environment }).fallbacks, [
    { path: "/srv/docker/config.json" },
    { path: "/run/user/1000/containers/auth.json" },
  ]);
});

Deno.test("under sudo the calling user's Docker file stands in for root's, by the passwd file", () => {
  const places = { ...root, environment: { SUDO_UID: "1000" }, homeOf: (uid: number) => `/home/${uid}` };
  assert.deepEqual(authFiles(undefined, places).fallbacks[1], {
    path: "/home/1000/.docker/config.json",
    owners: [1000],
    insteadOf: "/home/root/.docker/config.json",
  });
  for (const SUDO_UID of ["0", "", "-1", "1000x", "99999999999"]) {
    assert.equal(authFiles(undefined, { ...places, environment: { SUDO_UID } }).fallbacks.length, 2, SUDO_UID);
  }
  assert.equal(authFiles(undefined, { ...places, uid: 1000 }).fallbacks.length, 2);
  const kept = authFiles(undefined, { ...places, home: "/home/1000" }).fallbacks[0];
  assert.deepEqual(kept, { path: "/home/1000/.docker/config.json", owners: [1000, 0] });
  assert.equal(authFiles(undefined, { ...places, homeOf: () => undefined }).fallbacks.length, 2);
});

Deno.test("the file that was named is written, else the user's own", () => {
  assert.equal(fileForWriting(authFiles({ path: "/srv/auth.json", by: "--authfile" }, me)), "/srv/auth.json");
  assert.equal(fileForWriting(authFiles(undefined, me)), "/home/me/.ig/config.json");
});

Deno.test("the default authentication file may be named, and then comes first, but need not exist", () => {
  const { named, own } = authFiles({ path: ROOTS, by: "--authfile" }, me);
  assert.deepEqual([named, own], [undefined, [ROOTS, "/home/me/.ig/config.json"]]);
});
