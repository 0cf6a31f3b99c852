import { Stack } from "aws-cdk-lib";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { acknowledgeWildcard, writtenArn } from "./acknowledge.ts";
import type { BrokerFleet } from "./broker-fleet.ts";

/** Looks at the brokers' services and tasks, and says how many there are to be: the reconcile function (adapters/ecs/fleet.ts). */
export function grantFleet(role: IRole, { clusterName, services }: BrokerFleet): void {
  // From given names, and not from references: the function is there before the services are.
  const arnOf = (resource: string, resourceName: string): string =>
    Stack.of(role).formatArn({ service: "ecs", resource, resourceName });
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ["ecs:DescribeServices", "ecs:UpdateService"],
      resources: services.map(({ serviceName }) =>
        arnOf("service", `${clusterName}/${serviceName}`),
      ),
    }),
  );
  const anyTask = arnOf("task", `${clusterName}/*`);
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ["ecs:DescribeTasks", "ecs:UpdateTaskProtection"],
      resources: [anyTask],
    }),
  );
  acknowledgeWildcard(
    role,
    writtenArn(role, anyTask),
    "Tasks of the cell's own ECS cluster get their ids when they start.",
  );
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ["ecs:ListTasks"],
      resources: ["*"],
      conditions: { ArnEquals: { "ecs:cluster": arnOf("cluster", clusterName) } },
    }),
  );
  acknowledgeWildcard(
    role,
    "*",
    "Tasks of Fargate are listed by no resource; the condition confines it to the cell's own ECS cluster.",
  );
}
