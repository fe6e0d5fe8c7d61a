import { command, UsageError } from "../../lib/shared/command-line/index.ts";

export const NAME = "npm run storm --";

export const STORM = command({
  text: "runs the service of this machine through kills, stopped processes, clock jumps and bad receivers of webhooks",
  positionals: [],
  options: {
    jobs: { value: "N", text: "videos to order, 10 to 5000", default: "60", read: wholeNumber(10, 5000) },
    faults: { value: "N", text: "faults to cause, 0 to 2000", default: "30", read: wholeNumber(0, 2000) },
    silent: {
      value: "N",
      text: "deliveries to receivers that never answer, while another tenant's webhooks are timed, 0 to 5000",
      default: "100",
      read: wholeNumber(0, 5000),
    },
    seed: {
      value: "N",
      text: "seed of the faults and their moments",
      default: "1",
      read: wholeNumber(0, 2 ** 31),
    },
    workers: {
      value: "N",
      text: "GPU functions that look for jobs themselves, in place of the service's own; 0 to 64",
      default: "0",
      read: wholeNumber(0, 64),
    },
    store: {
      value: "s3://BUCKET/PREFIX",
      text: "empty place in a bucket, in place of a folder",
    },
    minutes: {
      value: "N",
      text: "minutes after the last fault in which everything must have ended",
      default: "10",
      read: wholeNumber(1, 120),
    },
  },
  example: "--jobs 100 --faults 50 --seed 7",
  notes: `Everything happens on this machine, in a temporary folder: the service, its clients and the receivers. The model is
    a tiny one, so a video takes less than a second. The exit code is 1 if a promise was broken.`,
});

function wholeNumber(least: number, most: number) {
  return (text: string, flag: string): number => {
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= least && value <= most) return value;
    throw new UsageError(
      `${flag} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`,
    );
  };
}
