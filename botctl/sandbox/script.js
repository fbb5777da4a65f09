// One run of a code block. The worker evaluates this ahead in a fresh context and calls `run(dukpy)` when there is
// a job {code, variables, message, user_id}. The answer is one string of JSON, made after all promises have settled:
//   {"changed": {...}} | {"threw": text, "stack": text} | {"unfit": reason, "path": [...]} | {"syntax": true}
// Everything used after the user's code has run is taken before it: afterwards any prototype may be tampered with.
globalThis.run = (function () {
  "use strict";
  const OUTPUT = 1048576; // characters of JSON
  const DEPTH = 200; // levels; what reads the variables later recurses over them
  const { stringify } = JSON;
  const { keys } = Object;
  const { isArray } = Array;
  const { isView } = ArrayBuffer;
  const { apply } = Reflect;
  const { isFinite } = Number;
  const text = String;
  const slice = String.prototype.slice;
  const hasOwn = Object.prototype.hasOwnProperty;
  const tagOf = Object.prototype.toString;
  const timeOf = Date.prototype.getTime;
  // Objects that JSON would silently write as {}.
  const LOST = { __proto__: null };
  for (const name of ["Map", "Set", "WeakMap", "WeakSet", "WeakRef", "Promise", "RegExp", "Error", "ArrayBuffer"])
    LOST["[object " + name + "]"] = name;

  let variables;
  const given = { __proto__: null }; // the values, to see that a text is the same
  const before = { __proto__: null }; // their JSON
  let ctx;

  // Held back while the script runs, so that there is room to tell of it when the heap is full.
  let reserve = new ArrayBuffer(262144);

  function failure(thrown) {
    reserve = null;
    let said;
    let stack = "";
    try {
      if (typeof thrown === "object" && thrown !== null) {
        if ("message" in thrown) {
          said = text(thrown.name === undefined ? "Error" : thrown.name) + ": " + text(thrown.message);
          stack = text(thrown.stack);
        } else said = text(stringify(thrown));
      } else said = typeof thrown === "function" ? "a function" : text(thrown);
    } catch (_) {
      said = "a value that cannot be shown";
    }
    said = stringify(apply(slice, said, [0, 500]));
    return '{"threw":' + said + ',"stack":' + stringify(apply(slice, stack, [0, 2000])) + "}";
  }

  function unfit(reason, path) {
    return '{"unfit":' + stringify(reason) + ',"path":[' + path + "]}";
  }

  // "" if JSON can tell the value; else the answer that names it. above: the chain of objects around it.
  function trouble(value, path, above, depth) {
    switch (typeof value) {
      case "function": return unfit("a function", path);
      case "symbol": return unfit("a symbol", path);
      case "bigint": return unfit("a BigInt", path);
      case "number": return isFinite(value) ? "" : unfit(text(value), path);
      case "object": break;
      default: return "";
    }
    if (value === null) return "";
    if (depth > DEPTH) return unfit("nested too deeply", "");
    for (let outer = above; outer !== null; outer = outer.above)
      if (outer.value === value) return unfit("a circular reference", path);
    const tag = apply(tagOf, value, []);
    if (LOST[tag] !== undefined) return unfit("a " + LOST[tag], path);
    if (isView(value)) return unfit("a typed array", path);
    if (tag === "[object Date]" && !isFinite(apply(timeOf, value, []))) return unfit("a Date that is no date", path);
    const here = { value, above };
    if (typeof value.toJSON === "function") {
      const shown = value.toJSON();
      if (shown !== value) return trouble(shown, path, here, depth + 1);
    }
    const names = isArray(value) ? null : keys(value);
    const count = names === null ? value.length : names.length;
    for (let index = 0; index < count; index++) {
      const name = names === null ? index : names[index];
      const found = trouble(value[name], path + "," + stringify(name), here, depth + 1);
      if (found !== "") return found;
    }
    return "";
  }

  // undefined where JSON has no text for the value, or making it fails: trouble() then tells why.
  function written(value) {
    try {
      return stringify(value);
    } catch (_) {
      return undefined;
    }
  }

  function changes() {
    const after = ctx.variables;
    if (typeof after !== "object" || after === null || isArray(after)) return unfit("no object", "");
    let out = "";
    const names = keys(after);
    for (let index = 0; index < names.length; index++) {
      const key = names[index];
      const value = after[key];
      if (value === undefined) continue;
      if (typeof value === "string") {
        if (value === given[key]) continue;
        if (value.length > OUTPUT) return unfit("too large", stringify(key));
      }
      let json = written(value);
      const same = json !== undefined && json === before[key];
      if (same && (typeof value !== "number" || isFinite(value))) continue;
      const found = trouble(value, stringify(key), null, 0);
      if (found !== "") return found;
      if (json === undefined) json = text(stringify(value));
      out += (out === "" ? "" : ",") + stringify(key) + ":" + json;
      if (out.length > OUTPUT) return unfit("too large", "");
    }
    // A key that was deleted, or set to undefined, is written as null. After `ctx.variables = {...}` only what
    // the new object holds counts: that a key is missing in it does not mean that it was deleted.
    const old = keys(before);
    for (let index = 0; index < old.length; index++) {
      const key = old[index];
      if (before[key] === "null" || after[key] !== undefined) continue;
      if (after === variables || apply(hasOwn, after, [key]))
        out += (out === "" ? "" : ",") + stringify(key) + ":null";
    }
    return '{"changed":{' + out + "}}";
  }

  return function (job) {
    delete globalThis.run;
    delete globalThis.dukpy;
    delete globalThis.call_python;
    let body;
    try {
      body = (0, eval)("(function(){const ctx=arguments[0];return function(){\n" + job.code + "\n}})");
    } catch (error) {
      return error instanceof SyntaxError ? '{"syntax":true}' : failure(error);
    }
    variables = job.variables;
    try {
      for (const key of keys(variables)) before[key] = stringify((given[key] = variables[key]));
      ctx = { variables, message: job.message, user_id: job.user_id };
      apply(body(ctx), undefined, []);
    } catch (error) {
      return failure(error);
    }
    return {
      toJSON() {
        try {
          return changes();
        } catch (error) {
          return failure(error);
        }
      },
    };
  };
})();
void 0;
