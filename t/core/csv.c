/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * CSV: no text of a sender becomes a formula, whatever separates cells.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_csv.h"


static void
becomes(const char *text, const char *want, const char *name)
{
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };
    tlsrpt_str_t  s = { text, text ? strlen(text) : 0 };

    tlsrpt_csv_str(&out, s);
    tlsrpt_buf_add(&out, "", 1);
    is_str(out.data, want, "%s", name);
    free(out.data);
}


static void
test_text(void)
{
    becomes("Example Inc.", "\"Example Inc.\"", "text");
    becomes("", "", "nothing");
    becomes(NULL, "", "not given");
    becomes("a \"b\", c", "\"a \"\"b\"\", c\"", "quotes");
    becomes("=1+1", "\"'=1+1\"", "a formula");
    becomes("a=1+1", "\"a=1+1\"", "none");
    becomes("+1", "\"'+1\"", "plus");
    becomes("-1", "\"'-1\"", "minus");
    becomes("@SUM(A1)", "\"'@SUM(A1)\"", "at");
    becomes(" =1", "\" '=1\"", "behind a blank");
    becomes("\"=1", "\"\"\"'=1\"", "behind a quote");
    becomes("\t=1", "\"\t'=1\"", "behind a tab");
    becomes("a,=1", "\"a,'=1\"", "behind a comma");
    becomes("a;=1+1;@b", "\"a;'=1+1;'@b\"", "behind semicolons");
    becomes("a; \"=1", "\"a; \"\"'=1\"", "behind a semicolon, blank, quote");
    becomes("a|-1", "\"a|'-1\"", "behind a bar");
    becomes("Foo - Bar", "\"Foo - Bar\"", "a dash between words");
    becomes("a\r\n=1", "\"a=1\"", "line breaks are dropped");
    becomes("\r\n=1", "\"'=1\"", "and do not hide a formula");
    becomes("a;\n=1", "\"a;'=1\"", "nor behind a separator");
    becomes("a\v\f\xc2\x85\xe2\x80\xa8\xe2\x80\xa9" "b", "\"ab\"", "of all "
            "kinds");
    becomes("\xef\xbc\x9d" "1", "\"'\xef\xbc\x9d" "1\"", "full width");
    becomes(";\xef\xbc\x8b" "1", "\";'\xef\xbc\x8b" "1\"", "and behind "
            "a semicolon");
    becomes("B\xc3\xbc" "cher", "\"B\xc3\xbc" "cher\"", "UTF-8");
}


static void
test_lines(void)
{
    static const char *const  names[] = { "a", "b", "c", "d", "e", "f" };
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };
    json_t       *json = json_pack("{s:s, s:i, s:n, s:[s, s], s:[{}, {}]}",
                                   "a", ";=1", "b", -7, "c", "d", "x", "y",
                                   "e");

    tlsrpt_csv_head(&out, names, 6);
    tlsrpt_csv_line(&out, names, 6, json);
    tlsrpt_buf_add(&out, "", 1);
    is_str(out.data, "a,b,c,d,e,f\r\n\";'=1\",-7,,\"x y\",2,\r\n",
           "a line of members");
    json_decref(json);
    free(out.data);
}


int
main(void)
{
    test_text();
    test_lines();

    return done();
}
