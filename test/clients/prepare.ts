// Fetches what the client tests need beyond npm: a Python environment, Go binaries, Kafka's own tools. Each step whose toolchain is absent or
// whose registry is out of reach is reported and left out; its tests then skip with the reason printed here.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientsDirectory, sourceDirectory } from "./places.ts";

type Step = {
  name: string;
  needs: string[];
  done: string;
  commands: [string, string[], string?][];
};

const python = join(clientsDirectory, "python");
const steps: Step[] = [
  {
    name: "python",
    needs: ["python3"],
    done: join(python, ".ready"),
    commands: [
      ["python3", ["-m", "venv", python]],
      [
        join(python, "bin/pip"),
        ["install", "-q", "-r", join(sourceDirectory, "python/requirements.txt")],
      ],
    ],
  },
  {
    name: "go",
    needs: ["go"],
    done: join(clientsDirectory, "go/.ready"),
    commands: [
      [
        "go",
        ["build", "-o", `${join(clientsDirectory, "go")}/`, "./..."],
        join(sourceDirectory, "go"),
      ],
    ],
  },
  {
    name: "java",
    needs: ["java", "mvn"],
    done: join(clientsDirectory, "java/.ready"),
    commands: [
      [
        "mvn",
        [
          "-q",
          "-B",
          "-f",
          join(sourceDirectory, "java/pom.xml"),
          "dependency:copy-dependencies",
          `-DoutputDirectory=${join(clientsDirectory, "java")}`,
        ],
      ],
    ],
  },
];

function has(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

for (const step of steps) {
  if (existsSync(step.done)) continue;
  const missing = step.needs.filter((each) => !has(each));
  if (missing.length > 0) {
    console.log(`${step.name} clients: left out, no ${missing.join(" and ")} here`);
    continue;
  }
  mkdirSync(join(clientsDirectory, step.name), { recursive: true });
  const failed = step.commands.find(
    ([command, args, cwd]) =>
      spawnSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"], timeout: 240_000 })
        .status !== 0,
  );
  if (failed !== undefined)
    console.log(`${step.name} clients: left out, "${failed[0]} ${failed[1].join(" ")}" failed`);
  else writeFileSync(step.done, "");
}
