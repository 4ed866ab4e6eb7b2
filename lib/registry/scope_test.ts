import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { covers, formatScope, mergeScopes, parseScopes, pullScope, pushScope } from "./scope.ts";

Deno.test("scopes of the same resource are merged into one, whatever their order", () => {
  const merged = mergeScopes(parseScopes("repository:b:push repository:a:pull"), [pullScope("b")]);
  deepEqual(merged.map(formatScope), ["repository:a:pull", "repository:b:pull,push"]);
});

Deno.test("a resource may have colons of its own", () => {
  deepEqual(parseScopes("repository(plugin):h:1/a:pull"), [{
    resource: "repository(plugin):h:1/a",
    actions: ["pull"],
  }]);
  deepEqual(parseScopes("  nonsense :x"), []);
});

Deno.test("a token for pushing is good for pulling, not the other way, and not for another repository", () => {
  equal(covers([pushScope("a")], [pullScope("a")]), true);
  equal(covers([pullScope("a")], [pushScope("a")]), false);
  equal(covers([pushScope("a")], [pullScope("a"), pullScope("b")]), false);
});

Deno.test("merging is idempotent and covers everything that went in", () => {
  const scope = fc.record({
    resource: fc.constantFrom("repository:a", "repository:b", "registry:catalog"),
    actions: fc.array(fc.constantFrom("pull", "push", "delete", "*"), { maxLength: 3 }),
  });
  fc.assert(fc.property(fc.array(scope), fc.array(scope), (left, right) => {
    const merged = mergeScopes(left, right);
    deepEqual(mergeScopes(merged), merged);
    deepEqual(mergeScopes(right, left), merged);
    equal(covers(merged, left) && covers(merged, right), true);
  }));
});
