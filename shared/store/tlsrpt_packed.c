/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "mta_sts_policy.h"
#include "tlsrpt_hash.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_result.h"


/* Of a string: see tlsrpt_packed.h. */
enum {
    KIND_TEXT = 0,
    KIND_IP,
    KIND_WITHIN,
    KIND_LAST = KIND_WITHIN
};


/*
 * Encoding
 */

typedef struct {
    const char     *data;                   /* NULL: free */
    uint16_t        number;                 /* from 1 */
    uint16_t        is_ip;
} slot_t;

typedef struct {
    tlsrpt_str_t    domain;
    tlsrpt_buf_t    text;                   /* the strings, encoded */
    size_t          spelled;                /* bytes of those within it */
    size_t          n;
    slot_t         *slots;                  /* of the strings put */
    size_t          nslots;                 /* a power of two */
} strings_t;


static void
put_bytes(tlsrpt_buf_t *text, unsigned kind, const void *data, size_t len)
{
    tlsrpt_buf_varint(text, len * 4 + kind);
    tlsrpt_buf_add(text, data, len);
}


/* Most mail servers are named within the domain that they serve. */

static int
is_within(strings_t *s, tlsrpt_str_t string)
{
    size_t  before;

    if (string.len < s->domain.len
        || s->spelled + string.len > TLSRPT_MAX_PACKED_TEXT)
    {
        return 0;
    }

    before = string.len - s->domain.len;

    if (memcmp(string.data + before, s->domain.data, s->domain.len) != 0) {
        return 0;
    }

    s->spelled += string.len;

    return 1;
}


static void
put_string(strings_t *s, tlsrpt_str_t string, int is_ip)
{
    unsigned char  ip[16];

    if (is_ip && inet_pton(AF_INET, string.data, ip) == 1) {
        put_bytes(&s->text, KIND_IP, ip, 4);

    } else if (is_ip && inet_pton(AF_INET6, string.data, ip) == 1) {
        put_bytes(&s->text, KIND_IP, ip, 16);

    } else if (is_within(s, string)) {
        put_bytes(&s->text, KIND_WITHIN, string.data,
                  string.len - s->domain.len);

    } else {
        put_bytes(&s->text, KIND_TEXT, string.data, string.len);
    }
}


/* The number of the string, put if it is new; 0: not given.  The strings of a
   report are interned: pointers tell them apart. */

static uint64_t
string_number(strings_t *s, tlsrpt_str_t string, int is_ip)
{
    size_t  i;

    if (string.data == NULL) {
        return 0;
    }

    i = (size_t) tlsrpt_hash_mul((uintptr_t) string.data,
                                 0x9e3779b97f4a7c15ULL)
        & (s->nslots - 1);

    for ( ; s->slots[i].data != NULL; i = (i + 1) & (s->nslots - 1)) {
        if (s->slots[i].data == string.data && s->slots[i].is_ip == is_ip) {
            return s->slots[i].number;
        }
    }

    s->slots[i].data = string.data;
    s->slots[i].is_ip = (uint16_t) is_ip;
    s->slots[i].number = (uint16_t) ++s->n;
    put_string(s, string, is_ip);

    return s->n;
}


static uint64_t
type_number(strings_t *s, tlsrpt_str_t type)
{
    unsigned  code;

    if (type.data == NULL) {
        return 0;
    }

    code = tlsrpt_policy_type_code(type);

    return code ? code
                : tlsrpt_policy_type_ncodes() + string_number(s, type, 0);
}


static uint64_t
result_number(strings_t *s, tlsrpt_str_t result)
{
    unsigned  code;

    if (result.data == NULL) {
        return 0;
    }

    code = tlsrpt_result_code(result);

    return code ? code : tlsrpt_result_ncodes() + string_number(s, result, 0);
}


static int
strings_create(strings_t *s, const tlsrpt_tally_t *tally, tlsrpt_str_t domain,
    int brief)
{
    size_t  most = tally->ntypes + (brief ? 0 : 5 * tally->nrows);

    for (size_t i = 0; i < tally->ntypes; i++) {
        if (tally->types[i].failed) {
            most += tally->types[i].applied.nmx;
        }
    }

    memset(s, 0, sizeof(*s));
    s->domain = domain;

    for (s->nslots = 16; s->nslots < 2 * most; s->nslots *= 2) {
        /* void */
    }

    s->slots = calloc(s->nslots, sizeof(*s->slots));

    return s->slots != NULL ? 0 : -1;
}


static void
strings_free(strings_t *s)
{
    free(s->text.data);
    free(s->slots);
}


static void
put_types(tlsrpt_buf_t *buf, strings_t *s, const tlsrpt_tally_t *tally)
{
    tlsrpt_buf_varint(buf, tally->ntypes);

    for (size_t i = 0; i < tally->ntypes; i++) {
        const tlsrpt_tally_type_t  *t = &tally->types[i];

        tlsrpt_buf_varint(buf, type_number(s, t->policy_type));
        tlsrpt_buf_varint(buf, t->successful);
        tlsrpt_buf_varint(buf, t->failed);
    }
}


static void
put_rows(tlsrpt_buf_t *buf, strings_t *s, const tlsrpt_tally_t *tally)
{
    tlsrpt_buf_varint(buf, tally->overflow);
    tlsrpt_buf_varint(buf, tally->nrows);

    for (size_t i = 0; i < tally->nrows; i++) {
        const tlsrpt_tally_row_t  *r = &tally->rows[i];

        tlsrpt_buf_varint(buf, r->type);
        tlsrpt_buf_varint(buf, result_number(s, r->result_type));
        tlsrpt_buf_varint(buf, string_number(s, r->sending_mta_ip, 1));
        tlsrpt_buf_varint(buf, string_number(s, r->receiving_mx_hostname, 0));
        tlsrpt_buf_varint(buf, string_number(s, r->receiving_ip, 1));
        tlsrpt_buf_varint(buf, string_number(s, r->failure_reason_code, 0));
        tlsrpt_buf_varint(buf, r->failed);
    }
}


static int
has_policies(const tlsrpt_tally_t *tally)
{
    for (size_t i = 0; i < tally->ntypes; i++) {
        const tlsrpt_tally_type_t  *t = &tally->types[i];

        if (t->failed && (t->applied.mode || t->applied.nmx)) {
            return 1;
        }
    }

    return 0;
}


static void
put_policies(tlsrpt_buf_t *buf, strings_t *s, const tlsrpt_tally_t *tally)
{
    for (size_t i = 0; i < tally->ntypes; i++) {
        const tlsrpt_tally_applied_t  *p = &tally->types[i].applied;

        if (tally->types[i].failed == 0) {
            continue;
        }

        tlsrpt_buf_varint(buf, p->mode);
        tlsrpt_buf_varint(buf, p->nmx);

        for (size_t n = 0; n < p->nmx; n++) {
            tlsrpt_buf_varint(buf, string_number(s, p->mx[n], 0));
        }
    }
}


static int
is_single(const tlsrpt_tally_t *tally)
{
    return tally->ntypes == 1
           && tally->types[0].successful == tally->successful
           && tally->types[0].failed == tally->failed;
}


/* What follows the strings; they are known only when it has been put. */

static unsigned char
put_tail(tlsrpt_buf_t *tail, strings_t *s, const tlsrpt_tally_t *tally,
    int brief)
{
    unsigned char  flags = 0;

    tlsrpt_buf_varint(tail, tally->successful);
    tlsrpt_buf_varint(tail, tally->failed);

    if (is_single(tally)) {
        flags |= TLSRPT_PACKED_SINGLE;
        tlsrpt_buf_varint(tail, type_number(s, tally->types[0].policy_type));

    } else {
        put_types(tail, s, tally);
    }

    if (has_policies(tally)) {
        flags |= TLSRPT_PACKED_POLICY;
        put_policies(tail, s, tally);
    }

    if (brief && tally->failed_in_details) {
        flags |= TLSRPT_PACKED_ROWS;
        tlsrpt_buf_varint(tail, tally->failed_in_details);
        tlsrpt_buf_varint(tail, 0);

    } else if (tally->failed_in_details) {
        flags |= TLSRPT_PACKED_ROWS;
        put_rows(tail, s, tally);
    }

    return flags;
}


int
tlsrpt_packed_encode(tlsrpt_buf_t *buf, const tlsrpt_tally_t *tally,
    tlsrpt_str_t domain, tlsrpt_str_t organization, unsigned via, int brief)
{
    strings_t      s;
    tlsrpt_buf_t   body = { NULL, 0, 0, 0 }, tail = { NULL, 0, 0, 0 };
    unsigned char  flags = 0;

    if (strings_create(&s, tally, domain, brief) != 0) {
        strings_free(&s);
        return -1;
    }

    flags = put_tail(&tail, &s, tally, brief);
    flags |= via == TLSRPT_VIA_MAIL ? TLSRPT_PACKED_MAIL : 0;
    flags |= organization.data != NULL ? TLSRPT_PACKED_ORG : 0;
    flags |= s.n ? TLSRPT_PACKED_STRINGS : 0;

    tlsrpt_buf_add(&body, &flags, 1);

    if (flags & TLSRPT_PACKED_ORG) {
        tlsrpt_buf_varint(&body, organization.len);
        tlsrpt_buf_add(&body, organization.data, organization.len);
    }

    if (flags & TLSRPT_PACKED_STRINGS) {
        tlsrpt_buf_varint(&body, s.n);
        tlsrpt_buf_add(&body, s.text.data, s.text.len);
    }

    tlsrpt_buf_varint(buf, body.len + tail.len);
    tlsrpt_buf_add(buf, body.data, body.len);
    tlsrpt_buf_add(buf, tail.data, tail.len);
    buf->failed |= body.failed | tail.failed | s.text.failed;

    free(body.data);
    free(tail.data);
    strings_free(&s);

    return buf->failed ? -1 : 0;
}


/*
 * Decoding.  What is read was written by us, or by whoever else can write to
 * this Redis: every length is checked.
 */

typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
    int                   failed;
} cursor_t;


static uint64_t
get_varint(cursor_t *c)
{
    unsigned       shift = 0;
    uint64_t       value = 0;
    unsigned char  byte;

    do {
        if (c->pos == c->end || shift > 56) {
            c->failed = 1;
            return 0;
        }

        byte = *c->pos++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);

    return value;
}


/* A number that must not be over max. */

static size_t
get_bounded(cursor_t *c, size_t max)
{
    uint64_t  value = get_varint(c);

    if (value > max) {
        c->failed = 1;
        return 0;
    }

    return (size_t) value;
}


static const char *
get_bytes(cursor_t *c, size_t len)
{
    const unsigned char  *p = c->pos;

    if (c->failed || (size_t) (c->end - c->pos) < len) {
        c->failed = 1;
        return NULL;
    }

    c->pos += len;
    return (const char *) p;
}


static tlsrpt_value_t
word_value(tlsrpt_str_t word)
{
    return tlsrpt_value_of(word.data, word.len);
}


/* The text, and the domain behind it. */

static tlsrpt_value_t
spell_out(cursor_t *c, tlsrpt_packed_t *r, const char *data, size_t len)
{
    char    *p = r->text + r->ntext;
    size_t   all = len + r->domain.len;

    if (data == NULL || all > TLSRPT_MAX_STRING
        || all > TLSRPT_MAX_PACKED_TEXT - r->ntext)
    {
        c->failed = 1;
        return tlsrpt_value_of(NULL, 0);
    }

    memcpy(p, data, len);
    memcpy(p + len, r->domain.data, r->domain.len);
    r->ntext += all;

    return tlsrpt_value_of(p, all);
}


static tlsrpt_value_t
get_string(cursor_t *c, tlsrpt_packed_t *r)
{
    size_t          header = get_bounded(c, 4 * TLSRPT_MAX_STRING + KIND_LAST);
    size_t          len = header / 4;
    const char     *data = get_bytes(c, len);
    tlsrpt_value_t  value = tlsrpt_value_of(data, len);

    switch (header % 4) {

    case KIND_TEXT:
        break;

    case KIND_IP:
        value.kind = TLSRPT_VALUE_IP;
        c->failed |= len != 4 && len != 16;
        break;

    case KIND_WITHIN:
        value = spell_out(c, r, data, len);
        break;

    default:
        c->failed = 1;
    }

    return value;
}


static void
get_strings(cursor_t *c, tlsrpt_packed_t *r)
{
    r->nstrings = get_bounded(c, TLSRPT_MAX_PACKED_STRINGS);

    for (size_t i = 0; i < r->nstrings && !c->failed; i++) {
        r->strings[i] = get_string(c, r);
    }
}


/* A string's number, counted from first; 0: not given. */

static tlsrpt_value_t
get_value(cursor_t *c, const tlsrpt_packed_t *r)
{
    size_t  n = get_bounded(c, r->nstrings);

    return n ? r->strings[n - 1] : tlsrpt_value_of(NULL, 0);
}


static tlsrpt_value_t
get_word(cursor_t *c, const tlsrpt_packed_t *r, unsigned ncodes,
    tlsrpt_str_t (*word)(unsigned code))
{
    size_t  n = get_bounded(c, ncodes + r->nstrings);

    return n == 0 ? tlsrpt_value_of(NULL, 0)
           : n <= ncodes ? word_value(word((unsigned) n))
           : r->strings[n - ncodes - 1];
}


static tlsrpt_value_t
get_type(cursor_t *c, const tlsrpt_packed_t *r)
{
    return get_word(c, r, tlsrpt_policy_type_ncodes(), tlsrpt_policy_type);
}


static void
get_types(cursor_t *c, tlsrpt_packed_t *r, unsigned flags)
{
    if (flags & TLSRPT_PACKED_SINGLE) {
        r->ntypes = 1;
        r->types[0].policy_type = get_type(c, r);
        r->types[0].successful = r->successful;
        r->types[0].failed = r->failed;
        return;
    }

    r->ntypes = get_bounded(c, TLSRPT_MAX_TYPES + 1);

    for (size_t i = 0; i < r->ntypes; i++) {
        r->types[i].policy_type = get_type(c, r);
        r->types[i].successful = get_varint(c);
        r->types[i].failed = get_varint(c);
    }
}


static void
get_policies(cursor_t *c, tlsrpt_packed_t *r, unsigned flags)
{
    for (size_t i = 0; i < r->ntypes; i++) {
        tlsrpt_packed_type_t  *t = &r->types[i];

        t->mode = 0;
        t->nmx = 0;

        if (t->failed == 0 || !(flags & TLSRPT_PACKED_POLICY)) {
            continue;
        }

        t->mode = (unsigned) get_bounded(c, MTA_STS_ENFORCE + 1);
        t->nmx = get_bounded(c, TLSRPT_MAX_PATTERNS);

        for (size_t n = 0; n < t->nmx; n++) {
            t->mx[n] = get_value(c, r);
        }
    }
}


static void
get_body(cursor_t *c, tlsrpt_packed_t *r, unsigned flags)
{
    size_t  len;

    r->via = flags & TLSRPT_PACKED_MAIL ? TLSRPT_VIA_MAIL : TLSRPT_VIA_HTTPS;
    r->organization = tlsrpt_value_of(NULL, 0);
    r->nstrings = 0;
    r->ntext = 0;
    r->overflow = 0;
    r->nrows = 0;

    if (flags & TLSRPT_PACKED_ORG) {
        len = get_bounded(c, TLSRPT_MAX_STRING);
        r->organization = tlsrpt_value_of(get_bytes(c, len), len);
    }

    if (flags & TLSRPT_PACKED_STRINGS) {
        get_strings(c, r);
    }

    r->successful = get_varint(c);
    r->failed = get_varint(c);
    get_types(c, r, flags);
    get_policies(c, r, flags);

    if (flags & TLSRPT_PACKED_ROWS) {
        r->overflow = get_varint(c);
        r->nrows = get_bounded(c, TLSRPT_MAX_ROWS);
    }
}


size_t
tlsrpt_packed_first(const char *day_log, size_t len)
{
    cursor_t      c = { (const unsigned char *) day_log,
                        (const unsigned char *) day_log + len, 0 };
    const size_t  body = get_bounded(&c, len);

    return c.failed || body == 0 || body > (size_t) (c.end - c.pos)
           ? 0 : (size_t) (c.pos - (const unsigned char *) day_log) + body;
}


size_t
tlsrpt_packed_whole(const char *day_log, size_t len)
{
    size_t  whole = 0, first;

    while ((first = tlsrpt_packed_first(day_log + whole, len - whole)) != 0) {
        whole += first;
    }

    return whole;
}


void
tlsrpt_packed_begin(tlsrpt_packed_t *packed, tlsrpt_str_t domain,
    const char *day_log, size_t len)
{
    packed->domain = domain;
    packed->next = (const unsigned char *) day_log;
    packed->end = packed->next + len;
    packed->nrows = 0;
}


int
tlsrpt_packed_next(tlsrpt_packed_t *packed)
{
    size_t       len;
    unsigned     flags;
    cursor_t     c;

    while (packed->next != packed->end) {
        c.pos = packed->next;
        c.end = packed->end;
        c.failed = 0;

        len = get_bounded(&c, (size_t) (c.end - c.pos));

        if (c.failed || len == 0 || len > (size_t) (c.end - c.pos)) {
            return 0;
        }

        packed->next = c.pos + len;
        c.end = packed->next;
        flags = *c.pos++;

        if (flags & ~TLSRPT_PACKED_FLAGS) {
            continue;
        }

        get_body(&c, packed, flags);

        if (!c.failed) {
            packed->pos = c.pos;
            return 1;
        }
    }

    return 0;
}


int
tlsrpt_packed_row(tlsrpt_packed_t *packed, tlsrpt_row_t *row)
{
    cursor_t  c = { packed->pos, packed->next, 0 };

    if (packed->nrows == 0 || packed->ntypes == 0) {
        return 0;
    }

    packed->nrows--;

    row->type = (unsigned) get_bounded(&c, packed->ntypes - 1);
    row->result_type = get_word(&c, packed, tlsrpt_result_ncodes(),
                                tlsrpt_result_type);
    row->sending_mta_ip = get_value(&c, packed);
    row->receiving_mx_hostname = get_value(&c, packed);
    row->receiving_ip = get_value(&c, packed);
    row->failure_reason_code = get_value(&c, packed);
    row->failed = get_varint(&c);
    packed->pos = c.pos;

    if (c.failed) {
        packed->nrows = 0;
        return 0;
    }

    return 1;
}
