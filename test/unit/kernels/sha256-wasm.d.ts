declare module "sha256-wasm" {
  interface Hash {
    update(data: Uint8Array): Hash;
    digest(encoding: "hex"): string;
  }
  export default function sha256(): Hash;
}
