import { SAMPLE_PROMPT } from "../../openapi/examples/sample-jobs.ts";
import type { Programs } from "./programs.ts";

/** Complete programs that make a video with OpenAI's SDKs. */
export const SDKS: Programs = {
  javascript: `import { writeFile } from "node:fs/promises";
import OpenAI from "openai"; // npm install openai

const { ADAREEL_URL, ADAREEL_API_KEY } = process.env;
const client = new OpenAI({ baseURL: \`\${ADAREEL_URL}/v1\`, apiKey: ADAREEL_API_KEY });

let video = await client.videos.create({ prompt: "${SAMPLE_PROMPT}" });
while (video.status === "queued" || video.status === "in_progress") {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  video = await client.videos.retrieve(video.id);
}
if (video.status === "failed") throw new Error(video.error.message);

const content = await client.videos.downloadContent(video.id);
await writeFile("video.mp4", Buffer.from(await content.arrayBuffer()));`,

  python: `import os
import sys

from openai import OpenAI  # pip install openai

client = OpenAI(base_url=os.environ["ADAREEL_URL"] + "/v1", api_key=os.environ["ADAREEL_API_KEY"])

video = client.videos.create_and_poll(
    prompt="${SAMPLE_PROMPT}",
    extra_body={"cache": "fast"},
)
if video.status == "failed":
    sys.exit(video.error.message)
client.videos.download_content(video.id).write_to_file("video.mp4")`,
};
