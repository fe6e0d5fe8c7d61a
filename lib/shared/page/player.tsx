/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";

export interface PlayerProps {
  /** Name of the player for assistive technology. */
  readonly name: string;
  /** Id of the element that holds the figures, for a page that replaces them. */
  readonly figuresId?: string;
}

/** Player of one or two figures. Its controls are hidden until browser/player.js shows and runs them. */
export function Player({ name, figuresId, children }: PropsWithChildren<PlayerProps>) {
  return (
    <synced-player>
      <div class="pair" id={figuresId}>
        {children}
      </div>
      <fieldset class="player">
        <legend class="unseen">{name}</legend>
        <button type="button" id="play" hidden>
          Pause
        </button>
        <label hidden>
          Position <input type="range" id="position" min="0" max="1000" value="0" />
        </label>
        <label>
          <input type="checkbox" id="sharp" /> Sharp pixels
        </label>
      </fieldset>
    </synced-player>
  );
}

/** Card with a number, its name and its meaning. */
export type Card = readonly [name: string, value: string, meaning: string];

export function Cards({ cards }: { cards: readonly Card[] }) {
  return (
    <dl class="figures">
      {cards.map(([name, value, meaning]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface ScrollableProps {
  readonly name: string;
  readonly id?: string;
  readonly isText?: boolean;
  /** Data for the page's script. */
  readonly [attribute: `data-${string}`]: string;
}

/** Section that scrolls content that is too wide or too long for it, also by keyboard. */
export function Scrollable({
  name,
  isText = false,
  children,
  ...attributes
}: PropsWithChildren<ScrollableProps>) {
  return (
    <section class={isText ? "scroll text" : "scroll"} aria-label={name} tabindex={0} {...attributes}>
      {children}
    </section>
  );
}
