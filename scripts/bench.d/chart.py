"""The chart: CPU time per request as horizontal bars, a panel for each load and placement. Plain SVG, light background."""

from html import escape

import client

COLORS = {"everycore": "#d9480f", "limit": "#495057", "nginx": "#2b8a3e", "evhttp": "#1971c2", "node": "#74b816",
          "hummingbird": "#9c36b5"}
MARGIN, PANEL_WIDTH, GAP, BAR, STEP, HEAD, NAME_WIDTH, VALUE_WIDTH = 24, 560, 40, 16, 22, 30, 100, 170


def draw(groups):
    """`groups`: (placement, load) → server → medians. A column for each placement, a row for each load."""
    placements = list(dict.fromkeys(placement for placement, _ in groups))
    loads = list(dict.fromkeys(load for _, load in groups))
    panel_height = HEAD + STEP * max(len(group) for group in groups.values()) + 24
    width = 2 * MARGIN + len(placements) * PANEL_WIDTH + (len(placements) - 1) * GAP
    height = 90 + len(loads) * panel_height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="13" fill="#212529">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(MARGIN, 34, "CPU time per request, µs (less is better)", size=18, weight="600"),
        text(MARGIN, 54, "user and system time of all processes of the server; medians over the rounds", color="#868e96"),
    ]
    for row, load in enumerate(loads):
        for column, placement in enumerate(placements):
            x, y = MARGIN + column * (PANEL_WIDTH + GAP), 80 + row * panel_height
            parts.append(panel(x, y, f"{client.TITLES[load]} ({placement})", groups[placement, load]))
    return "\n".join(parts + ["</svg>\n"])


def panel(x, y, title, group):
    longest = max(row["cpu_us"] for row in group.values()) or 1
    parts = [text(x, y + 14, title, weight="600")]
    for number, (name, row) in enumerate(group.items()):
        top = y + HEAD + number * STEP
        length = max(1, row["cpu_us"] / longest * (PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH))
        label = f"{row['cpu_us']:.2f}" + (f"  ({row['cpu_us'] / group['limit']['cpu_us']:.2f} × limit)"
                                          if name != "limit" and group.get("limit", {}).get("cpu_us") else "")
        strong = "600" if name == "everycore" else "400"
        parts += [
            text(x + NAME_WIDTH - 8, top + 13, name, anchor="end", weight=strong),
            f'<rect x="{x + NAME_WIDTH}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{COLORS[name]}"/>',
            text(x + NAME_WIDTH + length + 6, top + 13, label, weight=strong),
        ]
    return "\n".join(parts)


def text(x, y, content, size=13, weight="400", anchor="start", color="#212529"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
            f' fill="{color}">{escape(content)}</text>')
