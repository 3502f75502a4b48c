/* session/forget.c - classes by their names, images by their number and the classes that they are of. */
#include "session/forget.h"

#include "session/classes.h"

enum { NAMED = 3 }; /* classes of images that are still named one by one */

void session_forget_names(const DataForget *f, const DataSet *train, BaseText *out)
{
    if (!data_forget_by_image(f)) {
        session_classes_names(&f->classes, train, out);
        return;
    }
    base_text_add(out, "%lld image%s of ", (long long)f->images.n, f->images.n == 1 ? "" : "s");
    if (f->classes.count <= NAMED)
        session_classes_both(&f->classes, train, out);
    else
        base_text_add(out, "%lld classes", (long long)f->classes.count);
}

void session_forget_both(const DataForget *f, const DataSet *train, BaseText *out)
{
    if (data_forget_by_image(f))
        session_forget_names(f, train, out);
    else
        session_classes_both(&f->classes, train, out);
}

void session_forget_json(const DataForget *f, const DataSet *train, IoJson *json)
{
    bool images = data_forget_by_image(f);
    io_json_set_take(json, "forget", images ? io_json_array() : session_classes_json(&f->classes));
    io_json_set_take(json, "forget_names", images ? io_json_array() : session_classes_names_json(&f->classes, train));
    if (!images) return;
    BaseText text = {0};
    IoJson *list = io_json_object();
    data_forget_text(f, &text);
    io_json_set_take(list, "n", io_json_integer(f->images.n));
    io_json_set_take(list, "id", io_json_text_value(text.data));
    io_json_set_take(list, "classes", session_classes_json(&f->classes));
    io_json_set_take(json, "forget_images", list);
    base_text_free(&text);
}
