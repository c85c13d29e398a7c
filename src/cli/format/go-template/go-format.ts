import { goQuote, goQuoteCharacter } from "./go-quote.ts";
import { isInt, isNilPointer, sortedKeys, structName, typeName } from "./values.ts";

/** A value as Go's `fmt.Print` writes it: `[a b]`, `map[a:b]`, `{a b}`, `<nil>`, `1.5`. */
export function goPrint(value: unknown, verb: "v" | "+v" = "v"): string {
  if (value === undefined || value === null || isNilPointer(value)) return "<nil>";
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      return goFloat(value);
    case "object":
      return goPrintComposite(value, (element) => goPrint(element, verb), verb === "+v");
    default:
      return "<func>";
  }
}

/** Slices, maps and structs, each element written by `element`. */
function goPrintComposite(value: object, element: (value: unknown) => string, names = false): string {
  if (Array.isArray(value)) return `[${value.map(element).join(" ")}]`;
  const record = value as Readonly<Record<string, unknown>>;
  if (structName(value) !== undefined) {
    const fields = Object.keys(value).filter((name) => typeof record[name] !== "function");
    return `{${fields.map((name) => (names ? `${name}:` : "") + element(record[name])).join(" ")}}`;
  }
  return `map[${sortedKeys(value)
    .map((key) => `${element(key)}:${element(record[key])}`)
    .join(" ")}]`;
}

/** Several operands as `fmt.Sprint`: a space between two neighbours of which neither is a string. */
export function goSprint(values: readonly unknown[]): string {
  return values
    .map(
      (value, i) =>
        (i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string" ? " " : "") + goPrint(value),
    )
    .join("");
}

/** Several operands as `fmt.Sprintln`. */
export function goSprintln(values: readonly unknown[]): string {
  return `${values.map((value) => goPrint(value)).join(" ")}\n`;
}

/** Go's shortest `%g`: an exponent below 1e-4 and from 1e6 on; whole numbers stand for Go's ints. */
function goFloat(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  if (Number(exponent) < -4 || Number(exponent) >= 6) return `${digits}e${goExponent(exponent)}`;
  return value.toFixed(Math.max(0, digits.replace(/^-?\d\.?/, "").length - Number(exponent)));
}

function goExponent(exponent: string): string {
  return exponent[0]! + exponent.slice(1).padStart(2, "0");
}

interface Directive {
  flags: string;
  width: number | undefined;
  precision: number | undefined;
  verb: string;
}

/** `fmt.Sprintf`: flags `-+# 0`, width, precision, `*`, and `[n]` before the verb, which chooses an argument. */
export function goSprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const order = { chosen: false };
  const text = format.replace(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\[(\d+)\])?(.|$)/gsu,
    (_, flags: string, width, precision, chosen: string | undefined, verb: string) => {
      const number = (written: string | undefined): number | undefined => {
        if (written !== "*") return written === undefined ? undefined : Number(written);
        return Number(args[next++]);
      };
      let columns = number(width as string | undefined);
      const digits = number(precision as string | undefined);
      if (verb === "%") return "%";
      if (verb === "") return "%!(NOVERB)";
      if (chosen !== undefined) {
        order.chosen = true;
        next = Number(chosen) - 1;
        if (next < 0 || next >= args.length) return `%!${verb}(BADINDEX)`;
      }
      if (next >= args.length) return `%!${verb}(MISSING)`;
      if (columns !== undefined && columns < 0) {
        flags += "-";
        columns = -columns;
      }
      return formatOne(args[next++], { flags, width: columns, precision: digits, verb });
    },
  );
  if (order.chosen || next >= args.length) return text;
  const extra = args
    .slice(next)
    .map((arg) => (arg === null || arg === undefined ? "<nil>" : `${typeName(arg)}=${goPrint(arg)}`));
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

function formatOne(value: unknown, directive: Directive): string {
  if (directive.verb === "T")
    return padded(value === null || value === undefined ? "<nil>" : typeName(value), directive);
  if (directive.verb === "v") {
    const verb = directive.flags.includes("+") ? "+v" : "v";
    if (typeof value === "object" && value !== null)
      return goPrintComposite(value, (e) => formatOne(e, directive), verb === "+v");
    if (typeof value === "string" && directive.flags.includes("#")) return padded(goQuote(value), directive);
    return padded(goPrint(value, verb), directive, typeof value === "number");
  }
  if (typeof value === "object" && value !== null) {
    // Every verb goes through to the elements: %q of a slice is ["a" "b"].
    return goPrintComposite(value, (element) => (element === null ? "<nil>" : formatOne(element, directive)));
  }
  const text = scalar(value, directive);
  if (text === undefined) {
    const shown = value === null || value === undefined ? "<nil>" : `${typeName(value)}=${goPrint(value)}`;
    return `%!${directive.verb}(${shown})`;
  }
  return padded(text, directive, typeof value === "number" || typeof value === "bigint");
}

function scalar(value: unknown, directive: Directive): string | undefined {
  const { verb, precision } = directive;
  if (typeof value === "string") {
    const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join("");
    if (verb === "s") return cut;
    if (verb === "q") return goQuote(cut);
    if (verb === "x" || verb === "X") {
      const hex = Buffer.from(value).toString("hex");
      return verb === "x" ? hex : hex.toUpperCase();
    }
    return undefined;
  }
  if (typeof value === "boolean") return verb === "t" ? String(value) : undefined;
  if (isInt(value) && "dbBoOxXcqU".includes(verb)) return integer(value, directive);
  if (typeof value === "number" && "eEfFgG".includes(verb)) return float(value, directive);
  return undefined;
}

function integer(value: number | bigint, { verb, flags }: Directive): string {
  const negative = value < 0;
  const sign = negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const magnitude = negative ? -BigInt(value) : BigInt(value);
  switch (verb) {
    case "d":
      return sign + magnitude.toString();
    case "b":
      return sign + magnitude.toString(2);
    case "o":
      return sign + (flags.includes("#") ? "0" : "") + magnitude.toString(8);
    case "O":
      return `${sign}0o${magnitude.toString(8)}`;
    case "x":
      return sign + (flags.includes("#") ? "0x" : "") + magnitude.toString(16);
    case "X":
      return sign + (flags.includes("#") ? "0X" : "") + magnitude.toString(16).toUpperCase();
    case "U":
      return `U+${magnitude.toString(16).toUpperCase().padStart(4, "0")}`;
    case "q":
      return goQuoteCharacter(String.fromCodePoint(Number(magnitude)));
    default:
      return String.fromCodePoint(Number(magnitude));
  }
}

function float(value: number, { verb, flags, precision }: Directive): string {
  const sign = value >= 0 && flags.includes("+") ? "+" : value >= 0 && flags.includes(" ") ? " " : "";
  if (verb === "f" || verb === "F") return sign + value.toFixed(precision ?? 6);
  if (verb === "e" || verb === "E") {
    const [digits, exponent] = value.toExponential(precision ?? 6).split("e") as [string, string];
    return sign + digits + verb + goExponent(exponent);
  }
  if (precision === undefined) return sign + goFloat(value);
  const wanted = precision === 0 ? 1 : precision;
  const [digits, exponent] = value.toExponential(wanted - 1).split("e") as [string, string];
  if (Number(exponent) >= -4 && Number(exponent) < wanted) return sign + String(Number(value.toPrecision(wanted)));
  const short = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  return sign + short + (verb === "g" ? "e" : "E") + goExponent(exponent);
}

function padded(text: string, { flags, width }: Directive, isNumber = false): string {
  const missing = (width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const sign = isNumber && /^[-+ ]/.test(text) ? text[0]! : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}
