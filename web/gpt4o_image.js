// @ts-check
/** The pack's extension: the one file that ComfyUI's page imports by itself. */

const MODULES = [
  "card",
  "copying",
  "dom",
  "dragging",
  "filters",
  "format",
  "graph",
  "head",
  "host",
  "insert",
  "key_panel",
  "list",
  "memory",
  "node_line",
  "nodes",
  "notices",
  "outcomes",
  "panel",
  "pictures",
  "prices",
  "queue",
  "results",
  "rows",
  "selection",
  "spend",
  "tab",
  "viewer",
  "words",
];

// ComfyUI has browsers ask anew for .js and .css, but not for .mjs: after an update old and new files would be mixed.
await Promise.all(
  MODULES.map((name) => fetch(new URL(`${name}.mjs`, import.meta.url), { cache: "no-cache" }).catch(() => undefined)),
);

const { app } = await import("./host.mjs");
const { GATEWAY, status } = await import("./head.mjs");
const { followOutcomes, graphLoaded } = await import("./node_line.mjs");
const { ARTIST_NAMES, choicesRefreshed, followResults, nodeCreated } = await import("./nodes.mjs");
const { RUN_AHEAD, followRunAhead, tellRunAhead } = await import("./queue.mjs");
const { followPrices, priceChanged } = await import("./prices.mjs");
const { gatewayChanged, openTab, showTab } = await import("./tab.mjs");
const { loadWords } = await import("./words.mjs");
const { STICKER, insertTemplate } = await import("./insert.mjs");

const SIDEBAR = "GPT4oImage.Sidebar";
const CATEGORY = "GPT-4o Image";

let gateways = ["default", "aihubmix", "simulator"];
let ready = false;

/**
 * ComfyUI tells a setting's value when it is registered too, before there is a sidebar.
 *
 * @param {() => void} work
 */
const onceReady = (work) => () => ready && work();

function sidebarOn() {
  return app.extensionManager?.setting?.get?.(SIDEBAR) !== false;
}

const settings = [
  {
    id: SIDEBAR,
    category: [CATEGORY, "Sidebar", "Tab"],
    name: "Show the tab GPT-4o Image in the sidebar",
    tooltip: "Takes effect at once.",
    type: "boolean",
    defaultValue: true,
    onChange: (/** @type {boolean} */ on) => ready && showTab(on),
  },
  {
    id: GATEWAY,
    category: [CATEGORY, "Sidebar", "Gateway"],
    name: "Gateway shown in the sidebar",
    tooltip: "Each node has its own gateway input.",
    type: "combo",
    defaultValue: "default",
    options: () => gateways,
    onChange: onceReady(() => setTimeout(gatewayChanged)), // older front ends tell before they keep the value
  },
  {
    id: ARTIST_NAMES,
    category: [CATEGORY, "Node", "ArtistNames"],
    name: "artist_names of new nodes",
    tooltip: "Nodes that are already in a workflow keep theirs.",
    type: "combo",
    defaultValue: "stop",
    options: ["stop", "warn", "allow"],
  },
  {
    id: RUN_AHEAD,
    category: [CATEGORY, "Queue", "RunAhead"],
    name: "Paid calls of the queue to send ahead of their turn",
    tooltip:
      "While a paid node runs, up to this many calls of the waiting runs are sent ahead. A run that is removed " +
      "after its call was sent is still paid for. 0 leaves it to run_ahead in config.toml, which is off unless set.",
    type: "number",
    defaultValue: 0,
    attrs: { min: 0, max: 64, step: 1 },
    onChange: onceReady(() => setTimeout(tellRunAhead)),
  },
];

const commands = [
  { id: "GPT4oImage.OpenResults", label: "Open paid results", icon: "g4i-tab-icon", function: () => openTab() },
  {
    id: "GPT4oImage.InsertSticker",
    label: "Insert the transparent sticker graph",
    icon: "g4i-tab-icon",
    function: () => insertTemplate(STICKER),
  },
  {
    id: "GPT4oImage.Check",
    label: "Run the free check",
    icon: "g4i-tab-icon",
    function: () => openTab({ check: true }),
  },
];

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("gpt4o_image.css", import.meta.url).href;
document.head.append(style);

followOutcomes();
followPrices();
followResults(); // before the first message: front ends complain of those that nobody listens to
app.registerExtension({
  name: "gpt4oimage.results",
  settings,
  commands,
  menuCommands: [{ path: ["Extensions", "GPT-4o Image"], commands: commands.map((command) => command.id) }],
  setup() {
    ready = true;
    loadWords(); // so that the tab need not wait for them
    showTab(sidebarOn());
    followRunAhead();
    status().then(
      (told) => (gateways = told.gateways),
      () => undefined, // the sidebar says what is wrong
    );
  },
  nodeCreated,
  afterConfigureGraph() {
    graphLoaded();
    priceChanged();
  },
  refreshComboInNodes: choicesRefreshed,
});
