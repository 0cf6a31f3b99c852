// Fetches what tests need beyond npm: a Python environment, Go binaries, Kafka's own tools, two S3 servers. Each step whose toolchain is absent or
// whose registry is out of reach is reported and left out; its tests then skip with the reason printed here.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientsDirectory, sourceDirectory } from "./places.ts";

type Step = {
  name: string;
  needs: string[];
  /** Files that say what is fetched; when they or the commands change, it is fetched anew. */
  inputs?: string[];
  done: string;
  commands: [string, string[], string?][];
};

/** Two minutes of compiling (versitygw), on a machine that does something else as well. */
const commandLimitMs = 15 * 60_000;

const python = join(clientsDirectory, "python");
const ministack = join(clientsDirectory, "ministack");
const steps: Step[] = [
  {
    name: "python",
    needs: ["python3"],
    inputs: ["python/requirements.txt"],
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
    inputs: ["go/go.mod", "go/go.sum", "go/franz/main.go", "go/sarama/main.go"],
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
    inputs: ["java/pom.xml"],
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
  {
    name: "versitygw",
    needs: ["go"],
    done: join(clientsDirectory, "versitygw/.ready"),
    commands: [
      [
        "env",
        [
          `GOBIN=${join(clientsDirectory, "versitygw")}`,
          "go",
          "install",
          "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
        ],
      ],
    ],
  },
  {
    name: "ministack",
    needs: ["python3"],
    done: join(clientsDirectory, "ministack/.ready"),
    commands: [
      ["python3", ["-m", "venv", ministack]],
      [join(ministack, "bin/pip"), ["install", "-q", "ministack==1.5.33"]],
    ],
  },
];

function has(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
}

/** What the step fetches, in short. */
function stampOf({ commands, inputs = [] }: Step): string {
  const hash = createHash("sha256");
  const words = commands.flatMap(([command, args]) => [command, ...args]);
  // A checkout may be moved, or its tools be kept for the next one.
  const fixed = words.map((word) => word.replaceAll(clientsDirectory, ""));
  hash.update(JSON.stringify(fixed.map((word) => word.replaceAll(sourceDirectory, ""))));
  for (const input of inputs) hash.update(readFileSync(join(sourceDirectory, input)));
  return hash.digest("hex");
}

const isDone = (step: Step): boolean =>
  existsSync(step.done) && readFileSync(step.done, "utf8") === stampOf(step);

for (const step of steps) {
  if (isDone(step)) continue;
  const missing = step.needs.filter((each) => !has(each));
  if (missing.length > 0) {
    console.log(`${step.name}: left out, no ${missing.join(" and ")} here`);
    continue;
  }
  const directory = join(clientsDirectory, step.name);
  // What an older version has left would be found beside the new one, in a class path for one.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const failed = step.commands.find(
    ([command, args, cwd]) =>
      spawnSync(command, args, {
        cwd,
        stdio: ["ignore", "ignore", "inherit"],
        timeout: commandLimitMs,
      }).status !== 0,
  );
  if (failed !== undefined)
    console.log(`${step.name}: left out, "${failed[0]} ${failed[1].join(" ")}" failed`);
  else writeFileSync(step.done, stampOf(step));
}
