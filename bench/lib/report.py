"""The results as JSON, as a table, and as a picture."""

import html
import json
import math
import os

import limits
import rows
from server import FLOOR


def number(x):
    if x is None:
        return ''
    if x >= 100:
        return f'{x:,.0f}'.replace(',', ' ')
    return f'{x:.3g}'


def judge(row, found):
    """What a row says: our figure, the peer's, their ratio, the CPUs' ratio, and whether both are good enough."""
    ours, peers = found.get(row.name, {}).get('restante', []), found.get(row.name, {}).get(row.peer, [])
    text, more, compared = rows.UNITS[row.unit]
    j = {'row': row, 'unit': text, 'ours': rows.median(ours, row.unit), 'theirs': rows.median(peers, row.unit),
         'cpu': rows.median(ours, 'cpu_us'), 'their_cpu': rows.median(peers, 'cpu_us'), 'ratio': None,
         'floor': rows.median(found.get(row.name, {}).get(FLOOR, []), row.unit),
         'floor_cpu': rows.median(found.get(row.name, {}).get(FLOOR, []), 'cpu_us'),
         'cpu_ratio': None, 'errors': sum(r.get('errors', 0) for r in ours), 'missed': []}
    if j['ours'] is not None and compared and j['theirs']:
        j['ratio'] = j['ours'] / j['theirs']
    elif j['ours'] is not None and not compared:
        j['ratio'] = j['ours']
    if j['cpu'] and j['their_cpu']:
        j['cpu_ratio'] = j['cpu'] / j['their_cpu']
    if j['ratio'] is not None and row.target and (j['ratio'] < row.target if more else j['ratio'] > row.target):
        j['missed'].append('time' if not more else 'speed')
    if j['cpu_ratio'] is not None and row.cpu and j['cpu_ratio'] > row.cpu:
        j['missed'].append('CPU')
    if j['errors']:
        j['missed'].append(f'{j["errors"]} errors')
    return j


def fraction(x):
    if x is None:
        return ''
    return f'1/{1 / x:.1f}' if x < 1 else f'{x:.2f}'


def ratio_text(j):
    compared = rows.UNITS[j['row'].unit][2]
    return '' if j['ratio'] is None or not compared else f'{j["ratio"]:.2f}x'


def target_text(j):
    unit, _, compared = rows.UNITS[j['row'].unit]
    if not j['row'].target:
        return ''
    return f'{j["row"].target:.3g}x' if compared else f'{number(j["row"].target)} {unit}'


def limit_text(j, machine):
    limit = limits.of(j['row'], machine)
    if j['floor']:
        limit = f'canned replies, {number(j["floor_cpu"])} us of CPU', j['floor']
    if limit is None or not j['ours']:
        return ''
    what, figure = limit
    part = figure / j['ours'] if not rows.UNITS[j['row'].unit][1] else j['ours'] / figure
    return f'{part:.0%} of {number(figure)}: {what}'


def table(judged, machine):
    out = ['| work | Restante | peer | ratio | target | CPU us: ours | peer\'s | ratio | target | limit of the '
           'machine | missed |', '|---|---|---|---|---|---|---|---|---|---|---|']
    for j in judged:
        r = j['row']
        out.append('| ' + ' | '.join([
            r.title, f'{number(j["ours"])} {j["unit"]}',
            f'{r.peer} {number(j["theirs"])}' if j['theirs'] else r.peer, ratio_text(j), target_text(j),
            number(j['cpu']), number(j['their_cpu']), fraction(j['cpu_ratio']), fraction(r.cpu or None),
            limit_text(j, machine), ', '.join(j['missed'])]) + ' |')
    return out


def others(judged, found):
    """What was measured too: servers and clients that no target stands beside, and how often a client asked."""
    out = []
    for j in judged:
        unit = j['row'].unit
        for name, runs in found.get(j['row'].name, {}).items():
            trips = rows.median(runs, 'trips')
            if trips is not None or name not in ('restante', j['row'].peer, FLOOR):
                out.append(f'| {j["row"].title} | {name} | {number(rows.median(runs, unit))} {j["unit"]} | '
                           f'{number(rows.median(runs, "cpu_us"))} | {number(trips)} |')
    head = ['', '## Other peers', '', '| work | who | figure | CPU us | round trips |', '|---|---|---|---|---|']
    return head + out if out else []


def markdown(judged, found, machine):
    m = machine['limits']
    return '\n'.join([
        '# Results of bench/run', '',
        headline(machine) + ' ' + ', '.join(f'{k}: {v}' for k, v in machine['versions'].items()) + '.', '',
        'CPU is that of all processes of the server: for each operation, for RETR for each megabyte.  '
        'A ratio is our figure to the peer\'s.', '',
        *table(judged, machine), *others(judged, found), '', '![ratios](figures/ratios.svg)', '', '## Limits of the machine', '',
        '| what | figure |', '|---|---|',
        *(f'| {k} | {number(v)} |' for k, v in m.items()), ''])


def gain(j):
    """How many times better than the peer; and what was asked."""
    better = rows.UNITS[j['row'].unit][1]
    if not j['ratio'] or not j['theirs'] or not j['row'].target:
        return None
    return (j['ratio'], j['row'].target) if better else (1 / j['ratio'], 1 / j['row'].target)


def svg(judged):
    """A bar a row: times better than the peer, on a logarithmic scale, with a mark where the target is."""
    bars = [(j['row'].title, j['row'].peer, *gain(j)) for j in judged if gain(j)]
    if not bars:
        return None
    left, width, step, top = 330, 520, 24, 34
    most = max(max(g, t) for _, _, g, t in bars) * 1.2
    span = math.log(max(most, 10))

    def x(value):
        return left + max(0.0, math.log(max(value, 1e-9)) / span) * width

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" '
           f'height="{top + step * len(bars) + 12}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="8" y="18" font-weight="bold">Restante, times the best peer; | is the target</text>']
    for tick in (1, 2, 5, 10, 20, 50, 100):
        if tick < most:
            out.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top - 6}" y2="{top + step * len(bars)}" '
                       f'stroke="#ddd"/><text x="{x(tick):.1f}" y="{top - 9}" text-anchor="middle" '
                       f'fill="#777">{tick}x</text>')
    for i, (title, peer, got, target) in enumerate(bars):
        y = top + i * step
        good = got >= target
        out += [f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{html.escape(title)}</text>',
                f'<rect x="{left}" y="{y + 2}" width="{max(1.0, x(got) - left):.1f}" height="15" '
                f'fill="{"#3a7" if good else "#c85"}"><title>{html.escape(peer)}</title></rect>',
                f'<line x1="{x(target):.1f}" x2="{x(target):.1f}" y1="{y}" y2="{y + 19}" stroke="#000" '
                'stroke-width="2"/>',
                f'<text x="{x(max(got, target)) + 6:.1f}" y="{y + 14}">{got:.1f}x</text>']
    return '\n'.join(out + ['</svg>', ''])


def headline(machine):
    return (f'{machine["when"]}, {machine["cpus"]} processors, Linux {machine["kernel"]}, certificate {machine["cert"]}, '
            f'median of {machine["runs"]}' + (', short runs: orders of magnitude only' if machine['quick'] else '')
            + (', processors kept awake' if machine['awake'] else '') + '.')


def curve_table(curves, machine):
    out = ['# How the cost grows', '', headline(dict(machine, runs=1)), '', '| work | size | figure | CPU us each |', '|---|---|---|---|']
    for c, points in curves:
        out += [f'| {c.title} | {f"{x:,}".replace(",", " ")} {c.axis} | {number(r.get(c.unit))} '
                f'{rows.UNITS[c.unit][0]} | {number(r.get("cpu_us"))} |' for x, r in points]
    return '\n'.join(out + ['', 'CPU is that of all processes of the server, for RETR for each megabyte.', '',
                            '![curves](figures/curves.svg)', ''])


def curve_svg(curves):
    """A panel a curve, both axes logarithmic."""
    width, height, gap, across = 250, 170, 62, 4
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{(width + gap) * min(len(curves), across) + gap}" '
           f'height="{(height + 80) * -(-len(curves) // across)}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (c, points) in enumerate(curves):
        top = i // across * (height + 80)
        left, low = gap + i % across * (width + gap), top + height + 40
        known = [(x, r[c.unit]) for x, r in points if r.get(c.unit)]
        if len(known) < 2:
            continue
        ys = [y for _, y in known]
        span_x = math.log(known[-1][0] / known[0][0])
        span_y = max(math.log(max(ys) / min(ys)), math.log(10))
        at = [(left + math.log(x / known[0][0]) / span_x * width,
               low - math.log(y / min(ys)) / span_y * height) for x, y in known]
        out += [f'<text x="{left}" y="{top + 18}" font-weight="bold">{html.escape(c.title)}, '
                f'{rows.UNITS[c.unit][0]}</text>',
                f'<path d="M{left} {top + 30}V{low}H{left + width}" fill="none" stroke="#999"/>',
                f'<text x="{left + width}" y="{low + 28}" text-anchor="end">{c.axis}</text>',
                '<polyline fill="none" stroke="#3a7" stroke-width="2" points="'
                + ' '.join(f'{x:.0f},{y:.0f}' for x, y in at) + '"/>']
        for (x, y), (px, py) in zip(known, at):
            out += [f'<circle cx="{px:.0f}" cy="{py:.0f}" r="3" fill="#3a7"/>',
                    f'<text x="{px:.0f}" y="{py - 7:.0f}" text-anchor="middle">{number(y)}</text>',
                    f'<text x="{px:.0f}" y="{low + 14}" text-anchor="middle">{x:.0e}</text>']
    return '\n'.join(out + ['</svg>', ''])


def write_curves(out, curves, machine):
    if not curves:
        return
    with open(os.path.join(out, 'curves.json'), 'w', encoding='utf-8') as f:
        json.dump({c.name: points for c, points in curves}, f, indent=1)
        f.write('\n')
    with open(os.path.join(out, 'curves.md'), 'w', encoding='utf-8') as f:
        f.write(curve_table(curves, machine))
    with open(os.path.join(out, 'figures', 'curves.svg'), 'w', encoding='utf-8') as f:
        f.write(curve_svg(curves))


def write(out, chosen, found, machine):
    judged = [judge(r, found) for r in chosen]
    os.makedirs(os.path.join(out, 'figures'), exist_ok=True)
    with open(os.path.join(out, 'results.json'), 'w', encoding='utf-8') as f:
        json.dump({'machine': machine, 'runs': found}, f, indent=1)
        f.write('\n')
    with open(os.path.join(out, 'results.md'), 'w', encoding='utf-8') as f:
        f.write(markdown(judged, found, machine))
    picture = svg(judged)
    if picture:
        with open(os.path.join(out, 'figures', 'ratios.svg'), 'w', encoding='utf-8') as f:
            f.write(picture)
    return (sum(1 for j in judged if j['missed']),
            sum(1 for j in judged if j['missed'] and not rows.UNITS[j['row'].unit][2]))
