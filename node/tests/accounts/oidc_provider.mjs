// An OpenID provider (oidc-provider) on loopback, which lies where it is told to.
//
// Arguments: the folder that it is installed in. It says its port on a line; then it is told, on a line each, how to be
// (`{"redirect", "alg", "conform"}`, answered `ready`), and later how to lie (`{"mode"}`, answered `ready`).
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// What is said on standard output is said to the test.
console.info = console.warn = console.error;
const from = (path) => import(pathToFileURL(`${process.argv[2]}/node_modules/${path}`).href);
const { Provider } = await from("oidc-provider/lib/index.js");
const { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } = await from(
  "jose/dist/webapi/index.js",
);

const keys = {};
for (const alg of ["RS256", "ES256"]) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  keys[alg] = { ...(await exportJWK(privateKey)), alg, use: "sig", kid: alg };
}

let mode = "honest";
let handle = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

// What it says of somebody, told as a lie, signed with its own key where it is to be signed at all.
async function lied(token) {
  const { alg } = decodeProtectedHeader(token);
  const claims = decodeJwt(token);
  const now = Math.floor(Date.now() / 1000);
  const sign = async (changed, jwk = keys[alg], kid = alg) =>
    new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg, kid }).sign(await importJWK(jwk, alg));
  switch (mode) {
    case "nonce":
      return sign({ nonce: "another" });
    case "audience":
      return sign({ aud: "another" });
    case "audiences":
      return sign({ aud: ["visiobook", "another"] });
    case "issuer":
      return sign({ iss: "https://another.example" });
    case "expired":
      return sign({ iat: now - 100, exp: now - 10 });
    case "signature": {
      const [head, , signature] = token.split(".");
      const payload = Buffer.from(JSON.stringify({ ...claims, sub: "admin" })).toString("base64url");
      return `${head}.${payload}.${signature}`;
    }
    case "key": {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      return sign({}, await exportJWK(privateKey));
    }
    case "unsigned":
      return new UnsecuredJWT(claims).encode();
    case "secret":
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode("a secret that is long enough for it"));
    default:
      return token;
  }
}

function begin({ redirect, alg, conform }) {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "visiobook",
        client_secret: "sekret",
        redirect_uris: [redirect],
        id_token_signed_response_alg: alg,
      },
    ],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: conform,
    cookies: { keys: ["a key for tests"] },
    jwks: { keys: Object.values(keys) },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.org`,
        email_verified: !id.startsWith("unverified"),
        name: `The ${id}`,
      }),
    }),
  });
  provider.use(async (context, next) => {
    await next();
    if (context.path !== "/token" || mode === "honest") return;
    if (mode === "slow") await new Promise((done) => setTimeout(done, 60_000));
    if (mode === "large") context.body = { ...context.body, more: "a".repeat(1_000_000) };
    if (mode === "broken") context.body = "<html>";
    if (mode === "redirect") context.redirect("http://169.254.169.254/latest/meta-data/");
    if (context.body?.id_token) context.body = { ...context.body, id_token: await lied(context.body.id_token) };
  });
  handle = provider.callback();
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  if (said.redirect) begin(said);
  if (said.mode) mode = said.mode;
  console.log("ready");
}
process.exit(0);
