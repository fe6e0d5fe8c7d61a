/** Script of the player, to be served or put into a page. */
export const PLAYER_SCRIPT = new URL("./browser/player.js", import.meta.url);

/** Style that all pages have in common: colours, texts, buttons, player, cards, tables. */
export const COMMON_STYLE = new URL("./browser/common.css", import.meta.url);
