// What users do with images: for each operation, gantry's command and that of every peer that has one.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { containersStorage, GANTRY } from "../peers.mjs";

const ULIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000";
const CHANGE =
  "for i in $(seq 1 1000); do echo $i > /usr/share/new-$i; done; rm -rf /usr/share/doc/[a-f]* /usr/share/locale/[a-c]*";
const NAMES = { busybox: "busybox:latest", debian: "debian:12", big: "big:1", many: "many:1" };

/** The files of one image of the corpus: a docker-archive, and an OCI archive with gzip layers where there is one. */
export function imageOf(corpus, name) {
  const image = { id: name, name: NAMES[name] ?? `${name}:1`, archive: join(corpus, `${name}.tar`) };
  return { ...image, gzip: join(corpus, "oci", `${name}-gzip.tar`), layout: join(corpus, "oci", `${name}-gzip`) };
}

const load = (image) => (cli) => `${cli} load -q -i ${image.archive}`;
const box = (image) => (cli) => `${load(image)(cli)} && ${cli} create --name box --network none ${image.name} true`;
const podmanBox = (image) => (cli) =>
  `${load(image)(cli)} && ${cli} create ${ULIMITS} --network none --name box ${image.name} true`;
const changed = (image, flags) => (cli) =>
  `${load(image)(cli)} && ${cli} run ${flags} --name box --network none ${image.name} sh -c '${CHANGE}'`;
const toStorage = (from) => (cli, disk) => `${cli} copy -q ${from} ${containersStorage(disk, "x:1")}`;

/** A rootfs tar for import: what an engine would be given, made once a disk. */
const exported = (image) => (cli, disk) =>
  `${GANTRY} --root ${disk}/.export load -q -i ${image.archive} && ${GANTRY} --root ${disk}/.export create --name box ${image.name} true >/dev/null && ${GANTRY} --root ${disk}/.export export -o ${disk}/rootfs.tar box`;

/** @type {Record<string, { title: string, images: string[], repeat?: number, needsShell?: boolean, needs?, warm?, contenders }>} */
export const operations = {
  load: {
    title: "load a docker-archive, ready to run",
    images: ["big", "debian", "many", "busybox"],
    warm: (image) => [image.archive],
    contenders: (image) => [
      ["gantry", { label: "gantry load", command: load(image) }],
      ["docker", { label: "docker load", command: load(image) }],
      ["podman", { label: "podman load", command: load(image) }],
      ["skopeo", { label: "skopeo copy to containers-storage", command: toStorage(`docker-archive:${image.archive}`) }],
      ["buildah", { label: "buildah pull", command: (cli) => `${cli} pull -q docker-archive:${image.archive}` }],
      [
        "skopeo",
        {
          label: "skopeo copy to a directory (not unpacked)",
          aside: true,
          command: (cli, disk) => `${cli} copy -q docker-archive:${image.archive} dir:${disk}/dir`,
        },
      ],
    ],
  },
  "load-pipe": {
    title: "load from a pipe",
    images: ["big"],
    warm: (image) => [image.archive],
    contenders: (image) =>
      ["gantry", "docker", "podman"].map((tool) => [
        tool,
        { label: `${tool} load`, command: (cli) => `cat ${image.archive} | ${cli} load -q` },
      ]),
  },
  "load-gzip": {
    title: "load an OCI archive with gzip layers, ready to run",
    images: ["big", "debian"],
    needs: (image) => image.gzip,
    warm: (image) => [image.gzip],
    contenders: (image) => [
      ["gantry", { label: "gantry load", command: (cli) => `${cli} load -q -i ${image.gzip}` }],
      ["podman", { label: "podman load", command: (cli) => `${cli} load -q -i ${image.gzip}` }],
      ["skopeo", { label: "skopeo copy to containers-storage", command: toStorage(`oci-archive:${image.gzip}`) }],
      ["buildah", { label: "buildah pull", command: (cli) => `${cli} pull -q oci-archive:${image.gzip}` }],
      [
        "umoci",
        {
          label: "umoci unpack of a layout",
          command: (cli, disk) => `${cli} unpack --image ${image.layout}:1 ${disk}/bundle`,
        },
      ],
    ],
  },
  save: {
    title: "save",
    images: ["big", "debian"],
    contenders: (image) => [
      ...["gantry", "docker", "podman"].map((tool) => [
        tool,
        {
          label: `${tool} save`,
          setup: load(image),
          command: (cli, disk) => `${cli} save -o ${disk}/out.tar ${image.name}`,
        },
      ]),
      [
        "skopeo",
        {
          label: "skopeo copy to a docker-archive",
          setup: toStorage(`docker-archive:${image.archive}`),
          command: (cli, disk) => `${cli} copy -q ${containersStorage(disk, "x:1")} docker-archive:${disk}/out.tar:x:1`,
        },
      ],
    ],
  },
  "save-gzip": {
    title: "save as an OCI archive with gzip layers",
    images: ["debian", "big"],
    contenders: (image) => [
      [
        "gantry",
        {
          label: "gantry save --compress gzip",
          setup: load(image),
          command: (cli, disk) => `${cli} save --format oci-archive --compress gzip -o ${disk}/out.tar ${image.name}`,
        },
      ],
      [
        "podman",
        {
          label: "podman save",
          setup: load(image),
          command: (cli, disk) => `${cli} save -q --format oci-archive -o ${disk}/out.tar ${image.name}`,
        },
      ],
      [
        "skopeo",
        {
          label: "skopeo copy from a docker-archive",
          command: (cli, disk) => `${cli} copy -q docker-archive:${image.archive} oci-archive:${disk}/out.tar:x`,
        },
      ],
    ],
  },
  export: {
    title: "export",
    images: ["big", "debian"],
    contenders: (image) => [
      ...["gantry", "docker"].map((tool) => [
        tool,
        {
          label: `${tool} export`,
          setup: box(image),
          command: (cli, disk) => `${cli} export -o ${disk}/out.tar box`,
        },
      ]),
      [
        "podman",
        {
          label: "podman export",
          setup: podmanBox(image),
          command: (cli, disk) => `${cli} export -o ${disk}/out.tar box`,
        },
      ],
    ],
  },
  import: {
    title: "import",
    images: ["debian", "big"],
    contenders: (image) =>
      ["gantry", "docker", "podman"].map((tool) => [
        tool,
        {
          label: `${tool} import`,
          setup: exported(image),
          command: (cli, disk) => `${cli} import ${disk}/rootfs.tar imported:1`,
        },
      ]),
  },
  commit: {
    needsShell: true,
    title: "commit, 1,000 files added and some hundreds deleted",
    images: ["debian"],
    contenders: (image) => [
      ...["gantry", "docker"].map((tool) => [
        tool,
        {
          label: `${tool} commit`,
          setup: changed(image, ""),
          command: (cli) => `${cli} commit box committed:1`,
        },
      ]),
      [
        "podman",
        {
          label: "podman commit",
          setup: changed(image, ULIMITS),
          command: (cli) => `${cli} commit -q box committed:1`,
        },
      ],
    ],
  },
  diff: {
    needsShell: true,
    title: "diff of a container, 1,000 files added and some hundreds deleted",
    images: ["debian"],
    repeat: 5,
    contenders: (image) => [
      ...["gantry", "docker"].map((tool) => [
        tool,
        { label: `${tool} diff`, setup: changed(image, ""), command: (cli) => `${cli} diff box` },
      ]),
      ["podman", { label: "podman diff", setup: changed(image, ULIMITS), command: (cli) => `${cli} diff box` }],
    ],
  },
  "image-diff": {
    needsShell: true,
    title: "image diff, 58,841 entries against 1,300 more and fewer",
    images: ["big"],
    repeat: 5,
    contenders: (image) => [
      [
        "gantry",
        {
          label: "gantry image diff",
          setup: (cli) =>
            `${changed(image, "")(cli)} && ${cli} commit box changed:1 && ${cli} image diff ${image.name} changed:1 >/dev/null`,
          command: (cli) => `${cli} image diff ${image.name} changed:1`,
        },
      ],
      ["node", { label: "node -e 0, for scale", aside: true, command: () => "node -e 0" }],
    ],
  },
  inspect: {
    title: "image inspect",
    images: ["big"],
    repeat: 10,
    contenders: (image) => [
      ...["gantry", "docker", "podman"].map((tool) => [
        tool,
        { label: `${tool} image inspect`, setup: load(image), command: (cli) => `${cli} image inspect ${image.name}` },
      ]),
      ["node", { label: "node -e 0, for scale", aside: true, command: () => "node -e 0" }],
    ],
  },
  history: {
    title: "history",
    images: ["big"],
    repeat: 10,
    contenders: (image) =>
      ["gantry", "docker", "podman"].map((tool) => [
        tool,
        { label: `${tool} history`, setup: load(image), command: (cli) => `${cli} history ${image.name}` },
      ]),
  },
  df: {
    title: "system df",
    images: ["big"],
    repeat: 10,
    contenders: (image) =>
      ["gantry", "docker", "podman"].map((tool) => [
        tool,
        { label: `${tool} system df`, setup: load(image), command: (cli) => `${cli} system df` },
      ]),
  },
};

/** The images of the corpus that an operation is measured on. */
export function imagesFor(operation, { corpus, images }) {
  return operation.images
    .filter((name) => images === undefined || images.includes(name))
    .map((name) => imageOf(corpus, name))
    .filter(
      (image) => existsSync(image.archive) && (operation.needs === undefined || existsSync(operation.needs(image))),
    );
}
