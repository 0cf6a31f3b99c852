// `npm run deploy -- -c profile=dev`: what can be said on the command line. Everything else is a property of MyelinCell.
import { App } from "aws-cdk-lib";
import { stackSettings } from "./settings.ts";
import { addRules } from "./rules.ts";
import { MyelinStack } from "./stacks/myelin-stack.ts";

const app = new App();
const { stackName, ...settings } = stackSettings(
  (name) => app.node.tryGetContext(name) as unknown,
  Object.keys(app.node.getAllContext() as object),
);
new MyelinStack(app, stackName, settings);
addRules(app);
app.synth();
