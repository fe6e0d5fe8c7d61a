/** Parts that the pages of the API and the comparison page have in common. */
export { COMMON_STYLE, PLAYER_SCRIPT } from "./files.ts";
export { type Card, Cards, Player, Scrollable } from "./player.tsx";
