/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a sender wrote, as text: nothing in it moves, turns or hides anything.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_escape.h"


static void
becomes(const char *text, const char *want, const char *name)
{
    tlsrpt_buf_t  buf = { NULL, 0, 0, 0 };
    tlsrpt_str_t  s = { text, strlen(text) };

    tlsrpt_escape(&buf, s);
    tlsrpt_buf_add(&buf, "", 1);
    is_str(buf.data, want, "%s", name);
    free(buf.data);
}


static void
test_ranges(void)
{
    static const struct {
        uint32_t  c;
        int       is;
    } chars[] = {
        { 0x00, 1 }, { 0x1f, 1 }, { 0x20, 0 }, { 0x7e, 0 }, { 0x7f, 1 },
        { 0x9f, 1 }, { 0xa0, 0 }, { 0xac, 0 }, { 0xad, 1 }, { 0xae, 0 },
        { 0x61c, 1 }, { 0x200a, 0 }, { 0x200b, 1 }, { 0x200e, 1 },
        { 0x200f, 1 }, { 0x2010, 0 }, { 0x2027, 0 }, { 0x2028, 1 },
        { 0x2029, 1 }, { 0x202a, 1 }, { 0x202e, 1 }, { 0x202f, 0 },
        { 0x2060, 1 }, { 0x2066, 1 }, { 0x2069, 1 }, { 0x206f, 1 },
        { 0x2070, 0 }, { 0xfeff, 1 }, { 0xfffb, 1 }, { 0xfffc, 0 },
        { 0x1f600, 0 }, { 0xe0001, 1 }, { 0xe007f, 1 }, { 0x10ffff, 0 }
    };

    for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
        is_int(tlsrpt_is_control(chars[i].c), chars[i].is, "U+%04X",
               chars[i].c);
    }
}


int
main(void)
{
    becomes("", "", "nothing");
    becomes("mx.example.com", "mx.example.com", "ASCII");
    becomes("B\xc3\xbc" "cher \xf0\x9f\x98\x80", "B\xc3\xbc"
            "cher \xf0\x9f\x98\x80", "other letters");
    becomes("a\r\nb\tc", "a\\u000D\\u000Ab\\u0009c", "line breaks");
    becomes("\x1b[2J\x7f", "\\u001B[2J\\u007F", "a terminal's");
    becomes("\xc2\x9b" "2J", "\\u009B2J", "C1");
    becomes("a\xe2\x80\xae" "b\xe2\x80\xa8" "c", "a\\u202Eb\\u2028c",
            "direction and lines");
    becomes("\xef\xbb\xbfx", "\\uFEFFx", "a byte order mark");
    becomes("\xf3\xa0\x80\x81", "\\U000E0001", "a tag");
    becomes("a\xff" "b\xc3", "a\\uFFFDb\\uFFFD", "no UTF-8");
    test_ranges();

    return done();
}
