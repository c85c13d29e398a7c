// TypeScript and AssemblyScript. The kernels are checked without types: AssemblyScript's types are not TypeScript's.
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "native/", "node_modules/", "coverage/"] },
  {
    files: ["src/**/*.ts", "test/**/*.ts", "bench/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Loops over bytes and bit fields read better with these.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
      "@typescript-eslint/only-throw-error": ["error", { allowRethrowing: true, allowThrowingUnknown: true }],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["wasm/**/*.ts"],
    languageOptions: { parser: tseslint.parser },
    rules: {
      eqeqeq: "error",
      "no-unreachable": "error",
      "no-constant-condition": ["error", { checkLoops: false }],
      "no-dupe-else-if": "error",
      "no-duplicate-case": "error",
      "no-self-assign": "error",
    },
  },
  {
    files: ["**/*.mjs"],
    rules: { "no-unused-vars": "error", "no-undef": "off", eqeqeq: "error" },
  },
);
