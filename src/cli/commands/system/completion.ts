import { readFileSync } from "node:fs";
import { artifact } from "../../../artifacts/locate.ts";
import { GantryError } from "../../../errors/index.ts";
import { defineCommand } from "../../framework/command.ts";

const SCRIPTS = { bash: "gantry.bash", fish: "gantry.fish", zsh: "_gantry" } as const;

export const command = defineCommand({
  summary: "Generate the autocompletion script for the specified shell",
  description:
    "Completes commands, options, their values, and names of images and containers. For this shell only:\n" +
    "  bash: source <(gantry completion bash)    zsh: source <(gantry completion zsh)    fish: gantry completion fish | source\n" +
    "For every shell, write the script to a file, as the examples show; zsh needs compinit in ~/.zshrc.",
  operands: { synopsis: "bash|fish|zsh", min: 1, max: 1, completes: Object.keys(SCRIPTS) },
  flags: {},
  examples: [
    {
      says: "Install for bash, for this user",
      line: "mkdir -p ~/.local/share/bash-completion/completions && gantry completion bash > ~/.local/share/bash-completion/completions/gantry",
    },
    {
      says: "Install for zsh, for everybody",
      line: "gantry completion zsh > /usr/local/share/zsh/site-functions/_gantry",
    },
    { says: "Install for fish", line: "gantry completion fish > ~/.config/fish/completions/gantry.fish" },
  ],
  run(context, { operands }) {
    const shell = operands[0] as string;
    if (!Object.hasOwn(SCRIPTS, shell)) {
      throw new GantryError("USAGE", `there is no completion for ${JSON.stringify(shell)}`, {
        remedy: `Use one of ${Object.keys(SCRIPTS).join(", ")}.`,
      });
    }
    context.stdout.write(readFileSync(artifact(`shell/${SCRIPTS[shell as keyof typeof SCRIPTS]}`), "utf8"));
    return 0;
  },
});
