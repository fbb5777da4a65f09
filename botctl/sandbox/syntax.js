// Which codes can be parsed. The worker puts {codes: [...]} or {code} into the global `dukpy`; the answer is a
// string of JSON: per code null, or [message, line, column], both from 1. Nothing of a code is ever executed:
// an eval parses all of its text first, and the text starts with a throw.
(function () {
  "use strict";
  const codes = dukpy.codes || [dukpy.code];

  // The first is the one that script.js runs. The others refuse what closes the function and opens another one:
  // after the closing brace one wants a comma, the other wants a statement, so no such text fits both.
  const FUNCTION = ["(function(){const ctx=arguments[0];return function(){", "\n}})"];
  const METHOD = ["({code(){", "\n}})"];
  const STATEMENT = ["function code(){", "\n}"];
  const ASYNC = ["(async function(){", "\n})"];
  const OVERCLOSED = ["(function(){{", "\n})"];

  function fault(place, code) {
    try {
      (0, eval)("throw 0;" + place[0] + "\n" + code + place[1]);
    } catch (error) {
      return error === 0 ? null : error;
    }
    return null;
  }

  // The line in the code. QuickJS gives the right line, but the column of an earlier token (0.6 of dukpy, tried
  // 2025), and no place at all for a regular expression.
  function lineOf(error) {
    const found = /<input>:(\d+):/.exec(error.stack);
    return found ? Number(found[1]) - 1 : 0;
  }

  // How much of the code must be there for this error to appear: the end of the token that is in the way.
  function endOf(error, place, code, start, end) {
    const line = lineOf(error);
    const appears = (length) => {
      const other = fault(place, code.slice(0, length));
      return other !== null && other.message === error.message && lineOf(other) === line;
    };
    if (!appears(end)) return start;
    let low = start;
    let high = end;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (appears(middle)) high = middle;
      else low = middle;
    }
    return high;
  }

  function at(message, code, offset) {
    const lines = code.slice(0, offset).split("\n");
    return [message, lines.length, [...lines[lines.length - 1]].length + 1];
  }

  function tell(error, place, code) {
    const lines = code.split("\n");
    const line = lineOf(error);
    if (error instanceof RangeError) return ["the code nests too deeply", 1, 1];
    if (!(error instanceof SyntaxError)) return [error.message, 1, 1];
    if (line > lines.length) {
      if (fault(OVERCLOSED, code) === null)
        return at("a `}` closes more than was opened", code, code.lastIndexOf("}"));
      const message = /end of/.test(error.message) ? error.message : "the code ends too early";
      return at(message, code, code.trimEnd().length);
    }
    let start = 0;
    for (let index = 0; index < line - 1; index++) start += lines[index].length + 1;
    const end = line ? start + lines[line - 1].length : code.length;
    let offset = endOf(error, place, code, start, end);
    const token = /'([^']+)'$/.exec(error.message);
    if (token && code.slice(offset - token[1].length, offset) === token[1]) offset -= token[1].length;
    else if (offset > start) offset -= 1;
    const word = line ? /^\s*(import|export)\b/.exec(lines[line - 1]) : null;
    let message = error.message;
    if (word) message = "`" + word[1] + "` is not possible in a code block";
    else if (/\bawait\b/.test(code) && fault(ASYNC, code) === null) message = "`await` is only possible inside an async function";
    return at(message, code, offset);
  }

  return JSON.stringify(
    codes.map((code) => {
      for (const place of [FUNCTION, METHOD, STATEMENT]) {
        const error = fault(place, code);
        if (error === null) continue;
        const [message, line, column] = tell(error, place, code);
        return [place === FUNCTION ? message : "a `}` closes more than was opened", line, column];
      }
      return null;
    })
  );
})()
