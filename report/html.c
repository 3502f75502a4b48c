/* report/html.c - style sheet, print rules and sorting script as text; small tables are embedded in their links. */
#include "report/html.h"

#include <string.h>

#include "report/escape.h"

static const char STYLE[] =
    ":root{--bg:#fff;--fg:#1c1c1c;--soft:#5a5a5a;--line:#d8d8d8;--card:#f6f7f8;--accent:#0b5c94;--warn:#a33a00;--shade:"
    "rgba(0,0,0,.22)}"
    "@media(prefers-color-scheme:dark){:root{--bg:#15181b;--fg:#e6e6e6;--soft:#a9b0b6;--line:#3a4046;--card:#1e2328;--"
    "accent:#7cc0ee;--warn:#ffab73;--shade:rgba(255,255,255,.25)}.card:not(.natural) svg{filter:invert(.9) "
    "hue-rotate(180deg)}.card:not(.natural){--bg:#191919;background-color:#191919}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}"
    "body{margin:0 auto;max-width:1180px;padding:1.2rem 1rem 4rem;background:var(--bg);color:var(--fg);font:16px/1.5 "
    "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;overflow-wrap:anywhere}"
    "h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 1rem}h2{font-size:1.35rem;margin:2.4rem 0 .6rem;border-top:1px "
    "solid var(--line);padding-top:1.2rem}h3{font-size:1.08rem;margin:1.8rem 0 .4rem}"
    "a{color:var(--accent)}.lead{font-size:1.08rem;max-width:62rem}"
    "nav{background:var(--card);border-radius:8px;padding:.6rem 1rem;margin:1rem 0}nav ul{margin:.3rem "
    "0;padding-left:1.2rem}nav li li{display:inline-block;margin:.1rem .9rem .1rem 0}"
    ".scroll,.card{overflow-x:auto;background:linear-gradient(90deg,var(--bg) 30%,transparent) 0 0/40px 100% no-repeat "
    "local,linear-gradient(270deg,var(--bg) 30%,transparent) 100% 0/40px 100% no-repeat "
    "local,radial-gradient(farthest-side at 0 50%,var(--shade),transparent) 0 0/14px 100% no-repeat "
    "scroll,radial-gradient(farthest-side at 100% 50%,var(--shade),transparent) 100% 0/14px 100% no-repeat scroll}"
    ".scroll{margin:.6rem 0}details .scroll{max-height:36rem;overflow:auto}"
    "table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    "caption{text-align:left;font-weight:600;padding:.2rem 0 .5rem;caption-side:top}"
    "th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
    "tbody "
    "th{font-weight:600;white-space:nowrap;position:sticky;left:0;background:var(--bg);max-width:45vw;overflow:hidden;"
    "text-overflow:ellipsis}"
    "tbody th a{color:inherit;text-decoration-color:var(--line)}"
    "thead th{border-bottom:2px solid var(--fg);vertical-align:bottom}"
    ".num,thead .num{text-align:right;white-space:nowrap}"
    "th "
    "button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;text-align:inherit;cursor:"
    "pointer}"
    "th[aria-sort=ascending] button::after{content:' \\25b4'}th[aria-sort=descending] button::after{content:' \\25be'}"
    ".long{min-width:10rem}"
    "small{display:block;font-weight:400;color:var(--soft);font-size:.8rem;white-space:nowrap}"
    ".reference,.reference th{background:var(--card)}.control th,.control td{color:var(--soft)}.failed "
    "td{color:var(--warn)}tr:target th,tr:target td{background:var(--card)}"
    ".tag{font-weight:400;color:var(--soft);font-size:.8rem}.note,figcaption{color:var(--soft);font-size:.9rem;max-"
    "width:62rem}"
    "figure{margin:1rem 0 1.6rem}.card{background-color:#fff;--bg:#fff;border:1px solid "
    "var(--line);border-radius:8px;padding:.4rem}"
    ".card svg{display:block;width:100%;height:auto;min-width:560px}figcaption{margin-top:.4rem}"
    "pre{background:var(--card);padding:.7rem 1rem;border-radius:8px;white-space:pre-wrap;font-size:.88rem}"
    ".text{max-width:62rem}.warning{max-width:62rem;border-left:4px solid var(--warn);padding:.5rem "
    ".9rem;background:var(--card);font-weight:600}"
    ".strip{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}.strip figure{margin:0;width:116px}.strip "
    "img{display:block;width:112px;height:112px;object-fit:contain;image-rendering:pixelated;border:1px solid "
    "var(--line);border-radius:6px;background:#fff}.strip figcaption{font-size:.78rem;line-height:1.3}"
    "summary{cursor:pointer;font-weight:600;margin:1.2rem 0 .4rem}"
    "@media(max-width:30rem){h1{font-size:1.4rem}th,td{padding:.3rem .5rem}tbody "
    "th{white-space:normal;max-width:34vw;overflow:visible;overflow-wrap:anywhere}}";

static const char ON_PAPER[] =
    "@media "
    "print{@page{size:A4;margin:13mm}:root{--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#f3f3f3;--accent:#000;--"
    "warn:#7a2b00}body{max-width:none;padding:0;font-size:10.5pt}h2,h3,caption{break-after:avoid}figure,tr,.lead{break-"
    "inside:avoid}thead{display:table-header-group}.scroll,details "
    ".scroll{overflow:visible;max-height:none;background:none}table{font-size:7.2pt;width:100%}th,td{padding:.12rem "
    ".25rem}tbody th{position:static;white-space:normal;max-width:none}.num,thead "
    ".num,small{white-space:normal}small,.tag{font-size:5.8pt}.note,figcaption{font-size:8.5pt}.long{min-width:0}.card{"
    "border:0;padding:0;overflow:visible;background:none}.card "
    "svg{min-width:0;filter:none!important;max-height:215mm}pre,nav{border:1px solid "
    "var(--line)}a{text-decoration:none}}";

static const char SCRIPT[] =
    "document.querySelectorAll('table.sortable').forEach(t=>{const "
    "H=[...t.tHead.querySelectorAll('th')];H.forEach((h,i)=>h.addEventListener('click',()=>{"
    "const "
    "b=t.tBodies[0],d=h.getAttribute('aria-sort')==='ascending'?-1:1;H.forEach(o=>o.removeAttribute('aria-sort'));h."
    "setAttribute('aria-sort',d>0?'ascending':'descending');"
    "const k=r=>{const c=r.cells[i];if(!c)return null;if('v'in c.dataset){const v=parseFloat(c.dataset.v);return "
    "isNaN(v)?null:v}return c.textContent};"
    "[...b.rows].sort((x,y)=>{const a=k(x),c=k(y);if(a===null||c===null)return(a===null)-(c===null);return d*(typeof "
    "a==='number'&&typeof "
    "c==='number'?a-c:String(a).localeCompare(String(c),undefined,{numeric:true}))}).forEach(r=>b.append(r))}))});"
    "const open=()=>{const e=document.getElementById(decodeURIComponent(location.hash.slice(1)));for(let "
    "d=e;d;d=d.parentElement)if(d.tagName==='DETAILS')d.open=true;if(e)e.scrollIntoView()};"
    "addEventListener('hashchange',open);if(location.hash)open();addEventListener('beforeprint',()=>document."
    "querySelectorAll('details').forEach(d=>d.open=true));";

void report_html_open(const char *title, BaseText *out)
{
    base_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    report_escape_html(out, title);
    base_text_add(out, "</title><style>%s%s</style></head>\n<body>\n", STYLE, ON_PAPER);
}

void report_html_close(BaseText *out) { base_text_add(out, "<script>%s</script>\n</body></html>\n", SCRIPT); }

enum { EMBED_MAX = 1 << 20 }; /* numbers beyond that are linked, or the page would be slow */

void report_html_csv(const char *file, const char *csv, BaseText *out)
{
    static const char HEX[] = "0123456789ABCDEF";
    base_text_add(out, "<a href=\"");
    if (!csv || strlen(csv) > EMBED_MAX) {
        report_escape_html(out, file);
        base_text_add(out, "\">Numbers (.csv)</a>");
        return;
    }
    base_text_add(out, "data:text/csv;charset=utf-8,");
    for (const char *c = csv; *c;) {
        size_t plain = strcspn(c, "%\"<>#&'\n\r \\^`{|}");
        base_text_append(out, c, plain);
        c += plain;
        if (!*c) break;
        const char escaped[] = {'%', HEX[(unsigned char)*c >> 4], HEX[(unsigned char)*c & 15]};
        base_text_append(out, escaped, sizeof escaped);
        c++;
    }
    const char *name = strrchr(file, '/');
    base_text_add(out, "\" download=\"");
    report_escape_html(out, name ? name + 1 : file);
    base_text_add(out, "\">Numbers (.csv)</a>");
}

void report_html_figure(const ReportFigure *f, BaseText *out)
{
    const char *svg = f->svg ? strstr(f->svg, "<svg") : NULL;
    BaseText file = {0};
    base_text_add(&file, "figures/%s.csv", f->stem);
    base_text_add(out, "<figure id=\"fig-%s\">", f->stem);
    if (svg) {
        base_text_add(out, "<div class=\"card%s\" style=\"max-width:%dpx\" tabindex=\"0\" role=\"img\" aria-label=\"",
                      f->natural ? " natural" : "", f->width + 20);
        report_escape_html(out, f->title);
        base_text_add(out, "\">");
        base_text_append(out, svg, strlen(svg));
        base_text_add(out, "</div>");
    }
    base_text_add(out, "<figcaption><strong>");
    report_escape_html(out, f->title);
    base_text_add(out, ".</strong> ");
    report_escape_html(out, f->caption);
    base_text_add(out, " ");
    report_html_csv(base_text_of(&file, &out->st), f->csv, out);
    if (svg && !f->vector) base_text_add(out, ", <a href=\"figures/%s.png\">.png</a>", f->stem);
    if (svg) base_text_add(out, ", <a href=\"figures/%s.svg\">.svg</a>", f->stem);
    base_text_add(out, svg ? "" : " (not drawn)");
    base_text_add(out, "</figcaption></figure>\n");
    base_text_free(&file);
}
