// load, save, export, commit: gantry beside every peer that is installed, on archives given by CORPUS (made by any engine).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { available } from "../peers.mjs";
import { compare, table } from "../measure.mjs";

const ULIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000";
const CHANGE = "for i in $(seq 1 1000); do echo $i > /usr/share/new-$i; done; rm -rf /usr/share/doc/[a-f]*";

export const groups = {
  load: (c) =>
    measure(c, "load", (image) => [
      ["gantry", "gantry load", { command: (cli) => `${cli} load -q -i ${image.archive}` }],
      ["docker", "docker load", { command: (cli) => `${cli} load -q -i ${image.archive}` }],
      ["podman", "podman load", { command: (cli) => `${cli} load -q -i ${image.archive}` }],
      [
        "skopeo",
        "skopeo copy to a directory",
        { command: (cli, disk) => `${cli} copy -q docker-archive:${image.archive} dir:${disk}/dir` },
      ],
    ]),
  "load-gzip": (c) =>
    measure(c, "load OCI gzip", (image) => [
      ["gantry", "gantry load", { command: (cli) => `${cli} load -q -i ${image.gzip}` }],
      ["podman", "podman load", { command: (cli) => `${cli} load -q -i ${image.gzip}` }],
      [
        "skopeo",
        "skopeo copy to containers-storage",
        {
          command: (cli, disk) =>
            `${cli} copy -q oci-archive:${image.gzip} 'containers-storage:[overlay@${disk}/p+${disk}/pr]x:1'`,
        },
      ],
    ]),
  save: (c) =>
    measure(c, "save", (image) =>
      ["gantry", "docker", "podman"].map((tool) => [
        tool,
        `${tool} save`,
        {
          setup: (cli) => `${cli} load -q -i ${image.archive}`,
          command: (cli, disk) => `${cli} save -o ${disk}/out.tar ${image.name}`,
        },
      ]),
    ),
  export: (c) =>
    measure(c, "export", (image) => [
      ...["gantry", "docker"].map((tool) => [
        tool,
        `${tool} export`,
        {
          setup: (cli) => `${cli} load -q -i ${image.archive} && ${cli} create --name box ${image.name} true`,
          command: (cli, disk) => `${cli} export -o ${disk}/out.tar box`,
        },
      ]),
      [
        "podman",
        "podman export",
        {
          setup: (cli) =>
            `${cli} load -q -i ${image.archive} && ${cli} create ${ULIMITS} --net none --name box ${image.name} true`,
          command: (cli, disk) => `${cli} export -o ${disk}/out.tar box`,
        },
      ],
    ]),
  commit: (c) =>
    measure(
      { ...c, images: c.images.filter((i) => i === "debian") },
      "commit, 1,000 files added and some hundreds deleted",
      (image) =>
        ["gantry", "docker"].map((tool) => [
          tool,
          `${tool} commit`,
          {
            setup: (cli) =>
              `${cli} load -q -i ${image.archive} && ${cli} run --name box --network none ${image.name} bash -c '${CHANGE}'`,
            command: (cli) => `${cli} commit box committed:1`,
          },
        ]),
    ),
};

const NAMES = { busybox: "busybox:latest", debian: "debian:12", big: "big:1", many: "many:1" };

function measure({ corpus, images, runs }, title, contenders) {
  for (const name of images) {
    const image = {
      name: NAMES[name],
      archive: join(corpus, `${name}.tar`),
      gzip: join(corpus, "oci", `${name}-gzip.tar`),
    };
    const file = title.includes("gzip") ? image.gzip : image.archive;
    if (!existsSync(file)) continue;
    console.log(table(`${title}: ${name}`, compare(available(contenders(image)), { runs, warm: [file] })));
  }
}
