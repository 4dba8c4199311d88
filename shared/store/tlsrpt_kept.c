/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tlsrpt_cut.h"
#include "tlsrpt_inflate.h"
#include "tlsrpt_kept.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_time.h"
#include "tlsrpt_zstd.h"


#define PREFIX_LEN   5                      /* what the script puts before */
#define MAX_FIELD    255

/* Of a report on several domains all that is kept of it takes at most so many
   bytes for each of the body that it came in, counting so many for each domain
   beside the text: 727 bytes can name 64 domains. */
#define RATIO        16
#define BESIDE       256
/* A long text is inflated again for each domain: so much of it at most. */
#define INFLATED     (16 * 1024 * 1024)


/*
 * Encoding
 */

size_t
tlsrpt_kept_name(char name[TLSRPT_KEPT_NAME_LEN], tlsrpt_str_t organization,
    tlsrpt_str_t id)
{
    uLong  crc = crc32(0, NULL, 0);

    if (id.data == NULL) {
        return 0;
    }

    if (organization.data != NULL) {
        crc = crc32(crc, (const Bytef *) organization.data,
                    (uInt) organization.len);
    }

    crc = crc32(crc, (const Bytef *) "", 1);
    crc = crc32(crc, (const Bytef *) id.data, (uInt) id.len);

    for (int i = 0; i < TLSRPT_KEPT_NAME_LEN; i++) {
        name[i] = (char) (crc >> (8 * i) & 0xff);
    }

    return TLSRPT_KEPT_NAME_LEN;
}


static int
has_unnamed(const tlsrpt_report_t *report, unsigned domain)
{
    for (size_t i = 0; i < report->npolicies; i++) {
        if (report->policies[i].unnamed && report->policies[i].domain == domain)
        {
            return 1;
        }
    }

    return report->npolicies == 0;
}


static void
put_byte(tlsrpt_buf_t *buf, unsigned value)
{
    unsigned char  byte = (unsigned char) value;

    tlsrpt_buf_add(buf, &byte, 1);
}


static void
put_field(tlsrpt_buf_t *buf, tlsrpt_str_t s)
{
    size_t  len = s.len < MAX_FIELD ? s.len : MAX_FIELD;

    put_byte(buf, (unsigned) len);
    tlsrpt_buf_add(buf, s.data, len);
}


static void
put_head(tlsrpt_buf_t *buf, const tlsrpt_report_t *report, unsigned flags,
    const tlsrpt_tally_t *tally, const tlsrpt_ingest_t *ingest)
{
    int64_t  after = ingest->now - ((int64_t) report->day + 1) * TLSRPT_DAY;

    flags |= ingest->via == TLSRPT_VIA_MAIL ? TLSRPT_KEPT_MAIL : 0;
    flags |= report->text.deviations ? TLSRPT_KEPT_WAY : 0;
    flags |= ingest->signer.data != NULL ? TLSRPT_KEPT_SIGNER : 0;
    flags |= ingest->address.len ? TLSRPT_KEPT_ADDRESS : 0;

    put_byte(buf, TLSRPT_KEPT_VERSION);
    put_byte(buf, flags);
    tlsrpt_buf_varint(buf, after < 0 ? (uint64_t) -after * 2 - 1
                                     : (uint64_t) after * 2);
    tlsrpt_buf_varint(buf, tally->successful);
    tlsrpt_buf_varint(buf, tally->failed);

    if (flags & TLSRPT_KEPT_WAY) {
        put_byte(buf, report->text.deviations);
    }

    if (flags & TLSRPT_KEPT_SIGNER) {
        put_field(buf, ingest->signer);
    }

    if (flags & TLSRPT_KEPT_ADDRESS) {
        put_field(buf, ingest->address);
    }
}


typedef struct {
    char    bytes[TLSRPT_ZSTD_SHORT];
    size_t  len;
} short_text_t;

static int
add_short(void *ctx, const unsigned char *text, size_t len)
{
    short_text_t  *out = ctx;

    if (len > sizeof(out->bytes) - out->len) {
        return TLSRPT_ERR_TOO_LARGE;
    }

    memcpy(out->bytes + out->len, text, len);
    out->len += len;

    return TLSRPT_OK;
}


static int
put_short(tlsrpt_kept_t *kept, const tlsrpt_report_t *report,
    tlsrpt_str_t domain)
{
    int            rc;
    tlsrpt_cut_t   cut;
    short_text_t   text;

    text.len = 0;
    rc = tlsrpt_cut_init(&cut, report, domain, add_short, &text);

    if (rc == 0 && cut.n == 0) {
        return tlsrpt_zstd_pack(&kept->entry, report->text.data,
                                report->text.len);
    }

    if (rc == 0
        && tlsrpt_cut_text(&cut, (const unsigned char *) report->text.data,
                           report->text.len)
           == TLSRPT_OK)
    {
        kept->entry.data[1] |= TLSRPT_KEPT_CUT;
        rc = tlsrpt_zstd_pack(&kept->entry, text.bytes, text.len);
    }

    tlsrpt_cut_free(&cut);

    return rc;
}


typedef struct {
    tlsrpt_zstd_t  *zstd;
    tlsrpt_buf_t   *out;
    size_t          len;
    size_t          most;                   /* compressed */
} long_text_t;

static int
add_long(void *ctx, const unsigned char *text, size_t len)
{
    long_text_t  *out = ctx;

    out->len += len;

    if (tlsrpt_zstd_add(out->zstd, text, len, 0, out->out) != 0) {
        return TLSRPT_ERR_MEMORY;
    }

    return out->out->len > out->most ? TLSRPT_ERR_TOO_LARGE : TLSRPT_OK;
}


/* Inflates the body once more: by then it is known which parts of it concern
   the domain, and nobody had to hold it. */

static int
inflate_again(tlsrpt_cut_t *cut, const tlsrpt_report_t *report,
    tlsrpt_str_t body)
{
    int                rc;
    tlsrpt_inflate_t  *inflate = tlsrpt_inflate_create();

    if (inflate == NULL) {
        return TLSRPT_ERR_MEMORY;
    }

    tlsrpt_inflate_reset(inflate, report->text.len, tlsrpt_cut_text, cut);
    rc = tlsrpt_inflate_feed(inflate, body.data, body.len);

    if (rc == TLSRPT_OK) {
        rc = tlsrpt_inflate_finish(inflate);
    }

    tlsrpt_inflate_destroy(inflate);

    return rc;
}


static int
put_line(tlsrpt_kept_t *kept, const tlsrpt_report_t *report,
    tlsrpt_str_t domain, const unsigned char *digest, size_t size)
{
    char  *line = tlsrpt_listing_line(report, domain);

    if (line == NULL) {
        return -1;
    }

    kept->entry.data[1] |= TLSRPT_KEPT_LARGE;
    tlsrpt_buf_add(&kept->entry, digest, TLSRPT_DIGEST_LEN);
    tlsrpt_buf_varint(&kept->entry, size);
    tlsrpt_buf_add(&kept->entry, line, strlen(line));
    free(line);

    return kept->entry.failed ? -1 : 0;
}


static int
put_long(tlsrpt_kept_t *kept, const tlsrpt_report_t *report,
    tlsrpt_str_t domain, size_t most, tlsrpt_str_t body,
    const unsigned char *digest)
{
    int           rc;
    long_text_t   text = { tlsrpt_zstd_create(), &kept->text, 0, most };
    tlsrpt_cut_t  cut;

    if (tlsrpt_cut_init(&cut, report, domain, add_long, &text) != 0
        || text.zstd == NULL)
    {
        rc = TLSRPT_ERR_MEMORY;

    } else {
        rc = inflate_again(&cut, report, body);
    }

    if (rc == TLSRPT_OK
        && (tlsrpt_zstd_add(text.zstd, "", 0, 1, &kept->text) != 0
            || put_line(kept, report, domain, digest, text.len) != 0))
    {
        rc = TLSRPT_ERR_MEMORY;
    }

    if (rc == TLSRPT_OK && cut.n) {
        kept->entry.data[1] |= TLSRPT_KEPT_CUT;
    }

    tlsrpt_cut_free(&cut);
    tlsrpt_zstd_destroy(text.zstd);

    return rc == TLSRPT_OK ? 1 : rc == TLSRPT_ERR_MEMORY ? -1 : 0;
}


/* How many bytes may be kept of each domain. */

static size_t
most_of(const tlsrpt_report_t *report, const tlsrpt_ingest_t *ingest)
{
    size_t  share = RATIO * ingest->original.len / report->ndomains;

    if (report->ndomains == 1) {
        return SIZE_MAX;
    }

    if (report->text.data == NULL
        && report->text.len > INFLATED / report->ndomains)
    {
        return 0;
    }

    return share > BESIDE ? share - BESIDE : 0;
}


int
tlsrpt_kept_encode(tlsrpt_kept_t *kept, const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_tally_t *tally,
    const tlsrpt_ingest_t *ingest,
    const unsigned char digest[TLSRPT_DIGEST_LEN])
{
    size_t        most = most_of(report, ingest);
    unsigned      flags = has_unnamed(report, domain) ? TLSRPT_KEPT_UNNAMED : 0;
    tlsrpt_str_t  name = report->domains[domain];

    if (most == 0) {
        return 0;
    }

    kept->name_len = tlsrpt_kept_name(kept->name, report->organization_name,
                                      report->report_id);
    put_head(&kept->entry, report, flags, tally, ingest);

    if (kept->entry.failed) {
        return -1;
    }

    if (report->text.data == NULL) {
        return put_long(kept, report, name, most, ingest->original, digest);
    }

    if (put_short(kept, report, name) != 0) {
        return -1;
    }

    return kept->entry.len <= most;
}


void
tlsrpt_kept_free(tlsrpt_kept_t *kept)
{
    tlsrpt_buf_free(&kept->entry);
    tlsrpt_buf_free(&kept->text);
}


/*
 * Decoding
 */

typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
    int                   failed;           /* there was less than expected */
} bytes_t;


static unsigned
get_byte(bytes_t *b)
{
    if (b->p == b->end) {
        b->failed = 1;
        return 0;
    }

    return *b->p++;
}


static uint64_t
get_varint(bytes_t *b)
{
    unsigned  byte, shift = 0;
    uint64_t  value = 0;

    do {
        byte = get_byte(b);
        value |= (uint64_t) (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80 && shift < 63);

    b->failed |= (byte & 0x80) != 0;

    return value > TLSRPT_MAX_COUNT ? TLSRPT_MAX_COUNT : value;
}


static tlsrpt_str_t
get_bytes(bytes_t *b, size_t len)
{
    tlsrpt_str_t  s = { (const char *) b->p, len };

    if (len > (size_t) (b->end - b->p)) {
        b->failed = 1;
        s.len = 0;
    }

    b->p += s.len;

    return s;
}


static tlsrpt_str_t
get_field(bytes_t *b)
{
    return get_bytes(b, get_byte(b));
}


/* Of the entry but for what its place, others' coming and striking it out make
   of it. */

static uint32_t
check_of(const unsigned char *entry, size_t len)
{
    Bytef  head[2] = { (Bytef) (entry[0] & ~TLSRPT_KEPT_STRUCK),
                       (Bytef) (entry[1] & ~TLSRPT_KEPT_CONFLICTS) };
    uLong  crc = crc32(crc32(0, NULL, 0), head, sizeof(head));

    return (uint32_t) crc32(crc, entry + 2, (uInt) (len - 2));
}


static int64_t
get_received(bytes_t *b, int32_t day)
{
    uint64_t  value = get_varint(b);
    int64_t   after = (int64_t) (value >> 1);

    after = value & 1 ? -after - 1 : after;
    after += ((int64_t) day + 1) * TLSRPT_DAY;

    return after < 0 ? 0 : after < TLSRPT_TIME_END ? after
                                                   : TLSRPT_TIME_END - 1;
}


static void
get_head(tlsrpt_kept_head_t *head, bytes_t *b, int32_t day)
{
    head->received = get_received(b, day);
    head->successful = get_varint(b);
    head->failed = get_varint(b);

    if (head->flags & TLSRPT_KEPT_WAY) {
        head->way = get_byte(b);
    }

    if (head->flags & TLSRPT_KEPT_SIGNER) {
        head->signer = get_field(b);
    }

    if (head->flags & TLSRPT_KEPT_ADDRESS) {
        head->address = get_field(b);
    }

    if (head->flags & TLSRPT_KEPT_LARGE) {
        head->digest = get_bytes(b, TLSRPT_DIGEST_LEN).data;
        head->size = (size_t) get_varint(b);
    }

    head->rest = get_bytes(b, (size_t) (b->end - b->p));
}


int
tlsrpt_kept_index(const tlsrpt_reply_t *entry)
{
    const unsigned char  *p = (const unsigned char *) entry->str;

    return entry->type == TLSRPT_REPLY_STRING && entry->len >= PREFIX_LEN + 2
           ? p[0] | p[1] << 8 : -1;
}


int
tlsrpt_kept_decode(tlsrpt_kept_head_t *head, int32_t day,
    const tlsrpt_reply_t *entry)
{
    bytes_t               b;
    const unsigned char  *p = (const unsigned char *) entry->str;

    memset(head, 0, sizeof(*head));

    if (tlsrpt_kept_index(entry) < 0) {
        return -1;
    }

    head->index = (unsigned) tlsrpt_kept_index(entry);
    head->version = p[PREFIX_LEN] & ~(unsigned) TLSRPT_KEPT_STRUCK;
    head->is_struck = (p[PREFIX_LEN] & TLSRPT_KEPT_STRUCK) != 0;
    head->flags = p[PREFIX_LEN + 1];
    head->check = check_of(p + PREFIX_LEN, entry->len - PREFIX_LEN);

    if (head->version != TLSRPT_KEPT_VERSION) {
        return -1;
    }

    b.p = p + PREFIX_LEN + 2;
    b.end = p + entry->len;
    b.failed = 0;
    get_head(head, &b, day);

    return b.failed ? -1 : 0;
}


void
tlsrpt_kept_strike(char *entry, int is_struck)
{
    const int  version = entry[PREFIX_LEN] & ~TLSRPT_KEPT_STRUCK;

    entry[PREFIX_LEN] = (char) (is_struck ? version | TLSRPT_KEPT_STRUCK
                                          : version);
}


size_t
tlsrpt_kept_text(const tlsrpt_kept_head_t *head, char *text)
{
    return head->digest != NULL ? 0
           : tlsrpt_zstd_unpack(head->version, head->rest.data,
                                head->rest.len, text);
}


/*
 * Ids
 */

void
tlsrpt_id_make(char id[TLSRPT_ID_LEN + 1], int32_t day,
    const tlsrpt_kept_head_t *head)
{
    tlsrpt_date_t  date = tlsrpt_day_to_date(day);

    snprintf(id, TLSRPT_ID_LEN + 1, "%04u%02u%02u-%u-%08x",
             (unsigned) date.year % 10000, (unsigned) date.month % 100,
             (unsigned) date.day % 100, head->index & 0xffff, head->check);
}


/* Digits of at most len bytes; how many, *value: what they say. */

static size_t
digits(const char *s, size_t len, unsigned *value)
{
    size_t  n;

    *value = 0;

    for (n = 0; n < len && s[n] >= '0' && s[n] <= '9'; n++) {
        *value = *value * 10 + (unsigned) (s[n] - '0');
    }

    return n;
}


static int
is_hex(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) {
            return 0;
        }
    }

    return 1;
}


int
tlsrpt_id_parse(const char *id, size_t len, int32_t *day, unsigned *index)
{
    char    text[TLSRPT_DAY_TEXT_LEN];
    size_t  n;

    if (len < 8 + 1 + 1 + 1 + 8 || len > TLSRPT_ID_LEN || id[8] != '-') {
        return -1;
    }

    memcpy(text, id, 4);
    text[4] = '-';
    memcpy(text + 5, id + 4, 2);
    text[7] = '-';
    memcpy(text + 8, id + 6, 2);

    if (tlsrpt_day_parse(text, sizeof(text), day) != 0) {
        return -1;
    }

    n = digits(id + 9, len - 9 - 9, index);

    return n && (n == 1 || id[9] != '0') && id[9 + n] == '-'
           && 9 + n + 1 + 8 == len && *index <= 0xffff
           && is_hex(id + 9 + n + 1, 8) ? 0 : -1;
}
