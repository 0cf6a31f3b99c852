import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import type { CloudFormationClientConfig } from "@aws-sdk/client-cloudformation";
import { stackName } from "./cdk.ts";

/** The deployed stack, as CloudFormation has it. */
export type Stack = {
  delete(): Promise<void>;
  status(): Promise<string>;
  /** Types of its resources in the order in which they were done. */
  completedTypes(): Promise<string[]>;
  /** Of those that outlive it. */
  retainedTypes(): Promise<string[]>;
};

export function stackOn(config: CloudFormationClientConfig): Stack {
  const client = new CloudFormationClient(config);
  return {
    async delete() {
      await client.send(new DeleteStackCommand({ StackName: stackName }));
    },
    async status() {
      try {
        const described = await client.send(new DescribeStacksCommand({ StackName: stackName }));
        return described.Stacks?.[0]?.StackStatus ?? "DELETE_COMPLETE";
      } catch (error) {
        if ((error as Error).message.includes("does not exist")) return "DELETE_COMPLETE";
        throw error;
      }
    },
    async completedTypes() {
      const types: string[] = [];
      let NextToken: string | undefined;
      do {
        const page = await client.send(
          new DescribeStackEventsCommand({
            StackName: stackName,
            ...(NextToken === undefined ? {} : { NextToken }),
          }),
        );
        for (const event of page.StackEvents ?? [])
          if (event.ResourceStatus === "CREATE_COMPLETE") types.unshift(event.ResourceType ?? "");
        ({ NextToken } = page);
      } while (NextToken !== undefined);
      return types;
    },
    async retainedTypes() {
      const got = await client.send(new GetTemplateCommand({ StackName: stackName }));
      type Template = { Resources: Record<string, { Type: string; DeletionPolicy?: string }> };
      const { Resources } = JSON.parse(got.TemplateBody ?? "") as Template;
      return Object.values(Resources).flatMap(({ Type, DeletionPolicy }) =>
        DeletionPolicy === "Retain" ? [Type] : [],
      );
    },
  };
}
