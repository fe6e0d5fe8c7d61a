/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";

export interface PlayerProps {
  /** What is played, for those who do not see it. */
  readonly name: string;
  /** Id of the element that holds the figures, for a page that replaces them. */
  readonly figuresId?: string;
}

/** Player of one or two figures: browser/player.js brings its controls to life, and shows them. */
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

/** A number with its name and its meaning, as a card in a row of cards. */
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

/** Holds what may be wider or longer than its place: the keyboard can scroll it. */
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
