import type { IHttpRouteAuthorizer } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer, HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";

/** Who is let in at the HTTP API. There is no way to let in everybody. */
export type ApiAccess =
  /** Whoever may `execute-api:Invoke`, by SigV4. */
  | { readonly kind: "iam" }
  /** Whoever brings a token of this issuer for one of these audiences. */
  | { readonly kind: "jwt"; readonly issuer: string; readonly audience: readonly string[] };

/** IAM principals, told by their signatures (SigV4); `grantManage` lets one in. */
function iam(): ApiAccess {
  return { kind: "iam" };
}

/**
 * Tokens of an OpenID Connect issuer. Any that it gives out for the audience may do everything, so the audience must be the cell's own.
 * Throws if the issuer is no https address, or no audience is named.
 */
function jwt({ issuer, audience }: { issuer: string; audience: readonly string[] }): ApiAccess {
  if (!issuer.startsWith("https://"))
    throw new Error(`the issuer of tokens is ${issuer}; it takes an https address`);
  if (audience.length === 0) throw new Error("a JWT authorizer takes at least one audience");
  return { kind: "jwt", issuer, audience };
}

/** `ApiAccess.iam()`, or `ApiAccess.jwt({ issuer, audience })`. */
export const ApiAccess = { iam, jwt };

export function authorizerOf(access: ApiAccess): IHttpRouteAuthorizer {
  switch (access.kind) {
    case "iam":
      return new HttpIamAuthorizer();
    case "jwt":
      return new HttpJwtAuthorizer("Tokens", access.issuer, { jwtAudience: [...access.audience] });
  }
}
