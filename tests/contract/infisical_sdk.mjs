// What the official JavaScript client does against a server: `node infisical_sdk.mjs URL PROJECT`.
import { createRequire } from "node:module";

const { InfisicalSDK } = createRequire(`${process.cwd()}/`)("@infisical/sdk");
const [, , siteUrl, projectId] = process.argv;
const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = process.env;
const at = { environment: "prod", projectId, secretPath: "/myapp" };
const said = {};

const client = new InfisicalSDK({ siteUrl });
try {
  await client.auth().universalAuth.login({ clientId, clientSecret: "wrong" });
} catch (error) {
  said.refused = String(error.message);
}
await client.auth().universalAuth.login({ clientId, clientSecret });

const secrets = client.secrets();
const listed = await secrets.listSecrets({ ...at, expandSecretReferences: true });
said.listed = Object.fromEntries(listed.secrets.map((one) => [one.secretKey, one.secretValue]));
const merged = await secrets.listSecretsWithImports(at);
said.merged = merged.map((one) => one.secretKey).sort();
const one = await secrets.getSecret({ ...at, secretName: "DB_HOST" });
said.got = one.secretValue;
const made = await secrets.createSecret("NEW", { ...at, secretValue: "v1" });
said.made = made.secret.version;
const changed = await secrets.updateSecret("NEW", { ...at, secretValue: "v2" });
said.changed = [changed.secret.version, changed.secret.secretValue];
said.read = (await secrets.getSecret({ ...at, secretName: "NEW" })).secretValue;
await secrets.deleteSecret("NEW", at);
try {
  await secrets.getSecret({ ...at, secretName: "NEW" });
} catch (error) {
  said.gone = String(error.message);
}
console.log(JSON.stringify(said));
