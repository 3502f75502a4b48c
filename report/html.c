#include "report/html.h"

#include <string.h>

#include "report/escape.h"

static const char STYLE[] =
    ":root{--bg:#fff;--fg:#1c1c1c;--soft:#5a5a5a;--line:#d8d8d8;--card:#f6f7f8;--accent:#0b5c94;--warn:#a33a00}"
    "@media(prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e6e6e6;--soft:#a9b0b6;--line:#3a4046;--card:#1e2328;"
    "--accent:#7cc0ee;--warn:#ffab73}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0 auto;max-width:1180px;padding:1.2rem 1rem 4rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 1rem}h2{font-size:1.35rem;margin:2.4rem 0 .6rem;"
    "border-top:1px solid var(--line);padding-top:1.2rem}h3{font-size:1.08rem;margin:1.8rem 0 .4rem}"
    "a{color:var(--accent)}.lead{font-size:1.08rem;max-width:62rem}"
    "nav ul{margin:.3rem 0;padding-left:1.2rem}nav{background:var(--card);border-radius:8px;padding:.6rem "
    "1rem;margin:1rem 0}"
    ".scroll{overflow-x:auto;margin:.6rem 0}details .scroll{max-height:36rem;overflow:auto}"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;font-weight:600;padding:.2rem 0 .5rem;caption-side:top}"
    "th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
    "tbody th{font-weight:600;white-space:nowrap}thead th{border-bottom:2px solid var(--fg);vertical-align:bottom}"
    ".num,thead .num{text-align:right;white-space:nowrap}"
    "th "
    "button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;text-align:inherit;cursor:"
    "pointer}"
    ".long{min-width:10rem}"
    "small{display:block;font-weight:400;color:var(--soft);font-size:.8rem;white-space:nowrap}"
    ".reference{background:var(--card)}.control th,.control td{color:var(--soft)}.failed td{color:var(--warn)}"
    ".tag{font-weight:400;color:var(--soft);font-size:.8rem}.note,figcaption{color:var(--soft);font-size:.9rem;max-"
    "width:62rem}"
    "figure{margin:1rem 0 1.6rem}.card{background:#fff;border:1px solid "
    "var(--line);border-radius:8px;padding:.4rem;overflow-x:auto}"
    ".card svg{display:block;width:100%;height:auto;min-width:640px}figcaption{margin-top:.4rem}"
    "pre{background:var(--card);padding:.7rem 1rem;border-radius:8px;overflow-x:auto;font-size:.88rem}"
    ".text{max-width:62rem}.warning{max-width:62rem;border-left:4px solid var(--warn);padding:.5rem .9rem;"
    "background:var(--card);font-weight:600}.strip{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
    ".strip figure{margin:0;width:116px}.strip img{display:block;width:112px;height:112px;object-fit:contain;"
    "image-rendering:pixelated;border:1px solid var(--line);border-radius:6px;background:#fff}"
    ".strip figcaption{font-size:.78rem;line-height:1.3}"
    "summary{cursor:pointer;font-weight:600;margin:1.2rem 0 .4rem}code{overflow-wrap:anywhere}";

static const char SCRIPT[] =
    "document.querySelectorAll('table.sortable').forEach(t=>t.tHead.querySelectorAll('th').forEach((h,i)=>"
    "h.addEventListener('click',()=>{const b=t.tBodies[0],d=h.dataset.d=h.dataset.d==='1'?'-1':'1';"
    "const k=r=>{const c=r.cells[i];if(!c)return null;if('v'in c.dataset){const v=parseFloat(c.dataset.v);"
    "return isNaN(v)?null:v}return c.textContent};"
    "[...b.rows].sort((x,y)=>{const a=k(x),c=k(y);if(a===null||c===null)return(a===null)-(c===null);"
    "return d*(typeof a==='number'&&typeof "
    "c==='number'?a-c:String(a).localeCompare(String(c)))}).forEach(r=>b.append(r))})))";

void report_html_open(const char *title, BaseText *out)
{
    base_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    report_escape_html(out, title);
    base_text_add(out, "</title><style>%s</style></head>\n<body>\n", STYLE);
}

void report_html_close(BaseText *out) { base_text_add(out, "<script>%s</script>\n</body></html>\n", SCRIPT); }

void report_html_figure(const ReportFigure *f, BaseText *out)
{
    const char *svg = f->svg ? strstr(f->svg, "<svg") : NULL;
    base_text_add(out, "<figure>");
    if (svg) {
        base_text_add(out, "<div class=\"card\" style=\"max-width:%dpx\" role=\"img\" aria-label=\"", f->width + 20);
        report_escape_html(out, f->title);
        base_text_add(out, "\">");
        base_text_append(out, svg, strlen(svg));
        base_text_add(out, "</div>");
    }
    base_text_add(out, "<figcaption><strong>");
    report_escape_html(out, f->title);
    base_text_add(out, ".</strong> ");
    report_escape_html(out, f->caption);
    base_text_add(out, " <a href=\"figures/%s.csv\">Numbers (.csv)</a>", f->stem);
    if (svg)
        base_text_add(out, ", <a href=\"figures/%s.png\">.png</a>, <a href=\"figures/%s.svg\">.svg</a>", f->stem,
                      f->stem);
    base_text_add(out, svg ? "" : " (not drawn)");
    base_text_add(out, "</figcaption></figure>\n");
}
