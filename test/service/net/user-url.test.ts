import { describe, expect, test } from "vitest";
import { checkPictureUrl, checkWebhookUrl } from "../../../lib/service/net/index.ts";

const strict = { allowLoopback: false, blockedHosts: ["api.adareel.example"] };
const local = { ...strict, allowLoopback: true };

test.each([
  ["https://example.com", "https://example.com/"],
  ["https://example.com/hook?a=1&b=%20", "https://example.com/hook?a=1&b=%20"],
  ["HTTPS://Example.COM:443/Hook", "https://example.com/Hook"],
  ["https://example.com:8443/", "https://example.com:8443/"],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["https://8.8.8.8/", "https://8.8.8.8/"],
  ["https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"],
  ["https://localhost.example.com/", "https://localhost.example.com/"],
  ["https://notlocalhost/", "https://notlocalhost/"],
  ["https://other.api.adareel.example/", "https://other.api.adareel.example/"],
])("the webhook URL %s is accepted", (text, url) => {
  expect(checkWebhookUrl(text, strict)).toEqual({ ok: true, url });
});

const publicOnly = "A webhook URL must lead to a host on the public internet.";

describe.each([
  ["allowing loopback", local],
  ["not allowing it", strict],
])("%s", (_, rules) => {
  test.each([
    ["", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["example.com/hook", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://::1", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://[::1%lo]/", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://[127.0.0.1]/", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://1.2.3.256/", "A webhook URL must be a complete URL such as https://example.com/hook."],
    ["https://example.com/a b", "A webhook URL may not contain spaces or control characters."],
    ["https://exam\tple.com/", "A webhook URL may not contain spaces or control characters."],
    ["https://example.com/\n", "A webhook URL may not contain spaces or control characters."],
    ["https://example.com/\0", "A webhook URL may not contain spaces or control characters."],
    ["http://example.com/", "A webhook URL must start with https://."],
    ["ftp://example.com/", "A webhook URL must start with https://."],
    ["file:///etc/passwd", "A webhook URL must start with https://."],
    ["mailto:me@example.com", "A webhook URL must start with https://."],
    ["https://user@example.com/", "A webhook URL may not contain a user name or password."],
    ["https://:password@example.com/", "A webhook URL may not contain a user name or password."],
    ["https://example.com@169.254.169.254/", "A webhook URL may not contain a user name or password."],
    ["https://user@localhost/", "A webhook URL may not contain a user name or password."],
    ["https://example.com/#part", "A webhook URL may not have a fragment (#)."],
    ["https://example.com/#", "A webhook URL may not have a fragment (#)."],
    ["https://example.com:80/", "A webhook URL must use port 443 or 8443."],
    ["https://example.com:444/", "A webhook URL must use port 443 or 8443."],
    [`https://example.com/${"a".repeat(2029)}`, "A webhook URL may have at most 2048 characters."],
    [`https://example.com/${"é".repeat(400)}`, "A webhook URL may have at most 2048 characters."],
  ])("the webhook URL %j is refused", (text, reason) => {
    expect(checkWebhookUrl(text, rules)).toEqual({ ok: false, code: "invalid_url", reason });
  });

  test.each([
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://169.254.169.254./",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://0xa9.254.43518/",
    "https://①⑥⑨.254.169.254/",
    "https://１６９.254.169.254/",
    "https://169%2e254.169.254/",
    "https://[::ffff:169.254.169.254]/",
    "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fd00:ec2::254]/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://168.63.129.16/",
    "https://a.localhost/",
    "https://A.LOCALHOST./",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://metadata.google.internal./",
    "https://instance-data.ec2.internal/",
    "https://metadata.goog/",
  ])("the webhook URL %s is refused, since it does not lead to the public internet", (text) => {
    expect(checkWebhookUrl(text, rules)).toEqual({ ok: false, code: "blocked_address", reason: publicOnly });
  });

  test.each(["https://api.adareel.example/v1", "https://API.Adareel.Example./"])(
    "the webhook URL %s is refused, since it leads to this service",
    (text) => {
      const reason = "A webhook URL may not lead to this service.";
      expect(checkWebhookUrl(text, rules)).toEqual({ ok: false, code: "blocked_address", reason });
    },
  );
});

test.each([
  ["https://127.0.0.1/", "https://127.0.0.1/"],
  ["http://127.0.0.1:3000/hook", "http://127.0.0.1:3000/hook"],
  ["http://127.1.2.3:1/", "http://127.1.2.3:1/"],
  ["http://2130706433/", "http://127.0.0.1/"],
  ["http://[::1]:8080/", "http://[::1]:8080/"],
  ["http://LOCALHOST:8080/", "http://localhost:8080/"],
  ["https://localhost./", "https://localhost./"],
])("the webhook URL %s is accepted only where loopback is allowed", (text, url) => {
  expect(checkWebhookUrl(text, local)).toEqual({ ok: true, url });
  expect(checkWebhookUrl(text, strict)).toHaveProperty("ok", false);
});

test("loopback may be http or https, and is blocked like any other host on the list", () => {
  expect(checkWebhookUrl("ftp://localhost/", local)).toEqual({
    ok: false,
    code: "invalid_url",
    reason: "A webhook URL must start with https:// or http://.",
  });
  const blocked = { allowLoopback: true, blockedHosts: ["localhost"] };
  expect(checkWebhookUrl("http://localhost/", blocked)).toHaveProperty("code", "blocked_address");
});

test("the refusal of loopback names the setting that allows it, where the service has one", () => {
  const setting = { ...strict, loopbackSetting: "ALLOW=1" };
  const reason = "A webhook URL must lead to a host on the public internet";
  for (const url of ["http://127.0.0.1:9/h", "http://localhost:3000/h", "https://[::1]/"]) {
    expect(checkWebhookUrl(url, setting)).toEqual({
      ok: false,
      code: "blocked_address",
      reason: `${reason}: to send to this machine, start the service with ALLOW=1.`,
    });
  }
  expect(checkWebhookUrl("https://10.0.0.1/", setting)).toMatchObject({ reason: publicOnly });
});

test("a webhook URL may have 2048 characters", () => {
  expect(checkWebhookUrl(`https://example.com/${"a".repeat(2028)}`, strict)).toHaveProperty("ok", true);
});

test.each([
  ["https://example.com/a.png?b=1", "https://example.com/a.png?b=1"],
  ["http://example.com/a.png", "http://example.com/a.png"],
  ["http://example.com:8443/", "http://example.com:8443/"],
])("the URL %s of a picture is accepted", (text, url) => {
  expect(checkPictureUrl(text, strict)).toEqual({ ok: true, url });
});

test.each([
  ["ftp://example.com/a.png", "The URL of a picture must start with https:// or http://."],
  ["http://example.com:22/", "The URL of a picture must use port 80, 443 or 8443."],
  ["http://10.0.0.1/a.png", "The URL of a picture must lead to a host on the public internet."],
  ["http://127.0.0.1/a.png", "The URL of a picture must lead to a host on the public internet."],
  ["a.png", "The URL of a picture must be a complete URL such as https://example.com/picture.png."],
])("the URL %s of a picture is refused", (text, reason) => {
  expect(checkPictureUrl(text, strict)).toMatchObject({ ok: false, reason });
});
