#include "report/page.h"

#include <string.h>

#include "report/escape.h"
#include "report/words.h"

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
    "small{display:block;font-weight:400;color:var(--soft);font-size:.8rem;white-space:nowrap}"
    ".reference{background:var(--card)}.control th,.control td{color:var(--soft)}.failed td{color:var(--warn)}"
    ".tag{font-weight:400;color:var(--soft);font-size:.8rem}.note,figcaption{color:var(--soft);font-size:.9rem;max-"
    "width:62rem}"
    "figure{margin:1rem 0 1.6rem}.card{background:#fff;border:1px solid "
    "var(--line);border-radius:8px;padding:.4rem;overflow-x:auto}"
    ".card svg{display:block;width:100%;height:auto;min-width:640px}figcaption{margin-top:.4rem}"
    "pre{background:var(--card);padding:.7rem 1rem;border-radius:8px;overflow-x:auto;font-size:.88rem}"
    "summary{cursor:pointer;font-weight:600;margin:1.2rem 0 .4rem}code{overflow-wrap:anywhere}";

static const char SCRIPT[] =
    "document.querySelectorAll('table.sortable').forEach(t=>t.tHead.querySelectorAll('th').forEach((h,i)=>"
    "h.addEventListener('click',()=>{const b=t.tBodies[0],d=h.dataset.d=h.dataset.d==='1'?'-1':'1';"
    "const k=r=>{const c=r.cells[i];if(!c)return null;if('v'in c.dataset){const v=parseFloat(c.dataset.v);"
    "return isNaN(v)?null:v}return c.textContent};"
    "[...b.rows].sort((x,y)=>{const a=k(x),c=k(y);if(a===null||c===null)return(a===null)-(c===null);"
    "return d*(typeof a==='number'&&typeof "
    "c==='number'?a-c:String(a).localeCompare(String(c)))}).forEach(r=>b.append(r))})))";

static const char *const PART_TITLES[REPORT_PARTS] = {"Results",
                                                      "Published numbers",
                                                      "Distance to retraining",
                                                      "Scores and costs",
                                                      "Attacks",
                                                      "Papers' columns",
                                                      "Per class",
                                                      "Searches",
                                                      "Layers",
                                                      "Runs"};

static void element(BaseText *out, const char *tag, const char *text)
{
    base_text_add(out, "<%s>", tag);
    report_escape_html(out, text);
    base_text_add(out, "</%s>\n", tag);
}

static void contents(const ReportSet *set, const ReportSection *sections, BaseText *out)
{
    base_text_add(out, "<nav aria-label=\"Contents\"><ul>\n");
    for (size_t i = 0; i < set->experiment_count; i++) {
        const ReportSection *s = &sections[i];
        base_text_add(out, "<li><a href=\"#e%zu\">", i);
        report_escape_html(out, s->e->name);
        base_text_add(out, "</a>: ");
        for (int p = 0; p < REPORT_PARTS; p++) {
            if (s->parts[p].table.row_count)
                base_text_add(out, "<a href=\"#e%zu-p%d\">%s</a> · ", i, p, PART_TITLES[p]);
        }
        base_text_add(out, "<a href=\"#e%zu-figures\">Figures</a></li>\n", i);
    }
    base_text_add(out, "<li><a href=\"#files\">Files and how to repeat</a></li></ul></nav>\n");
}

static void figure(const ReportFigure *f, BaseText *out)
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

static void part(const ReportPart *p, size_t experiment, int number, BaseText *out)
{
    if (p->table.row_count == 0) return;
    base_text_add(out, "<h3 id=\"e%zu-p%d\">%s</h3>\n", experiment, number, PART_TITLES[number]);
    if (p->folded) base_text_add(out, "<details><summary>Show %d rows</summary>\n", p->table.row_count);
    report_table_html(&p->table, out);
    base_text_add(out, "<p class=\"note\">As a file: <a href=\"%s.csv\">.csv</a>", p->stem);
    if (p->all) base_text_add(out, ", <a href=\"%s.md\">.md</a>, <a href=\"%s.tex\">.tex</a>", p->stem, p->stem);
    base_text_add(out, "</p>\n%s", p->folded ? "</details>\n" : "");
}

static void files(const ReportSet *set, const ReportConfig *config, BaseText *out)
{
    base_text_add(out, "<h2 id=\"files\">Files and how to repeat</h2>\n<p>%zu run file%s from:</p><ul>", set->run_count,
                  set->run_count == 1 ? "" : "s");
    for (size_t i = 0; i < config->folder_count; i++) {
        base_text_add(out, "<li><code>");
        report_escape_html(out, config->folders[i]);
        base_text_add(out, "</code></li>");
    }
    base_text_add(out, "</ul>\n");
    if (set->superseded) {
        base_text_add(out, "<p>%zu older run%s of the same label, class and seed %s left out.</p>\n", set->superseded,
                      set->superseded == 1 ? "" : "s", set->superseded == 1 ? "is" : "are");
    }
    for (size_t i = 0; i < set->passed_count; i++) {
        base_text_add(out, "<p>Passed over: <code>");
        report_escape_html(out, set->passed_over[i]);
        base_text_add(out, "</code></p>\n");
    }
    const char *command = config->command;
    for (size_t i = 0; !command && i < set->run_count; i++)
        command = store_run_text(set->runs[i].store, "/meta", "command");
    if (command) {
        base_text_add(out, "<p>To repeat:</p>\n");
        element(out, "pre", command);
    }
    base_text_add(
        out, "<p class=\"note\">Each row under “Runs” names the file a number comes from; runs.csv has the hashes of "
             "weights, data and configuration, the seeds, the library versions and every metric of every run.</p>\n");
}

BaseStatus report_page(const ReportSet *set, const ReportSection *sections, const ReportConfig *config, BaseText *out)
{
    BaseText words = {0};
    BaseStatus st = BASE_OK;
    base_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    report_escape_html(out, set->experiments[0].name);
    base_text_add(out, ": unlearning report</title><style>%s</style></head>\n<body>\n", STYLE);
    base_text_add(out, "<h1>");
    report_escape_html(out, set->experiments[0].name);
    base_text_add(out,
                  set->experiment_count > 1 ? " and %zu more: unlearning report</h1>\n" : ": unlearning report</h1>\n",
                  set->experiment_count - 1);
    for (size_t i = 0; i < set->experiment_count; i++) {
        base_text_free(&words);
        report_words_headline(&set->experiments[i], &words);
        BASE_TRY(words.st);
        base_text_add(out, "<p class=\"lead\">");
        report_escape_html(out, words.data);
        base_text_add(out, "</p>\n");
        if (i == 0) contents(set, sections, out);
    }
    for (size_t i = 0; i < set->experiment_count; i++) {
        const ReportSection *s = &sections[i];
        base_text_add(out, "<h2 id=\"e%zu\">", i);
        report_escape_html(out, s->e->name);
        base_text_add(out, "</h2>\n");
        part(&s->parts[0], i, 0, out);
        base_text_add(out, "<h3 id=\"e%zu-figures\">Figures</h3>\n", i);
        for (size_t k = 0; k < s->figures.count; k++) figure(&s->figures.items[k], out);
        for (int p = 1; p < REPORT_PARTS; p++) part(&s->parts[p], i, p, out);
    }
    files(set, config, out);
    base_text_add(out, "<script>%s</script>\n</body></html>\n", SCRIPT);
    st = out->st;
out:
    base_text_free(&words);
    return st;
}
