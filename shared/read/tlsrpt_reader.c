/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_builder.h"
#include "tlsrpt_inflate.h"
#include "tlsrpt_json.h"
#include "tlsrpt_reader.h"
#include "tlsrpt_report.h"


/* Within its first so many bytes a report has one of its own members. */
#define FIRST_LOOK  4096

/* What may be charged for a body (tlsrpt_json_allow): an honest one of a length
   comes to three quarters of that at most. */
#define BUDGET      8192
#define BUDGET_BYTE 64

/* bytes -> tlsrpt_inflate -> text -> tlsrpt_json -> events -> builder */

struct tlsrpt_reader {
    tlsrpt_inflate_t  *inflate;
    tlsrpt_json_t     *json;
    size_t             text_size;
    unsigned           deviations;
    int                keeps_text;
    char              *text;                /* TLSRPT_TEXT_WHOLE of it; NULL:
                                               not needed yet */
    tlsrpt_error_t     error;
    tlsrpt_builder_t   builder;
};


tlsrpt_reader_t *
tlsrpt_reader_create(void)
{
    tlsrpt_reader_t  *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        return NULL;
    }

    reader->inflate = tlsrpt_inflate_create();
    reader->json = tlsrpt_json_create();

    if (reader->inflate == NULL || reader->json == NULL) {
        tlsrpt_reader_destroy(reader);
        return NULL;
    }

    return reader;
}


void
tlsrpt_reader_destroy(tlsrpt_reader_t *reader)
{
    if (reader == NULL) {
        return;
    }

    tlsrpt_inflate_destroy(reader->inflate);
    tlsrpt_json_destroy(reader->json);
    tlsrpt_builder_free(&reader->builder);
    free(reader->text);
    free(reader);
}


/* Once that much of the text is read.  Where it is within one long value, the
   value's own bounds will tell. */

static int
look(const tlsrpt_reader_t *reader)
{
    if (tlsrpt_builder_is_report(&reader->builder)
        || tlsrpt_json_is_within_token(reader->json))
    {
        return TLSRPT_OK;
    }

    return tlsrpt_builder_has_unknown(&reader->builder)
           ? TLSRPT_ERR_NOT_TLSRPT
           : TLSRPT_ERR_TOO_COSTLY;         /* white space */
}


static void
keep_text(tlsrpt_reader_t *reader, const unsigned char *text, size_t len)
{
    if (len > TLSRPT_TEXT_WHOLE
        || reader->text_size > TLSRPT_TEXT_WHOLE - len)
    {
        reader->keeps_text = 0;
        return;
    }

    memcpy(reader->text + reader->text_size, text, len);
}


static int
take_text(void *ctx, const unsigned char *text, size_t len)
{
    int               rc;
    size_t            n = len;
    tlsrpt_reader_t  *reader = ctx;

    if (reader->keeps_text) {
        keep_text(reader, text, len);
    }

    tlsrpt_json_allow(reader->json, BUDGET + BUDGET_BYTE
                                    * tlsrpt_inflate_offset(reader->inflate));

    if (reader->text_size < FIRST_LOOK && len >= FIRST_LOOK - reader->text_size)
    {
        n = FIRST_LOOK - reader->text_size;
        rc = tlsrpt_json_feed(reader->json, text, n);

        if (rc == TLSRPT_OK) {
            rc = look(reader);
        }

        if (rc != TLSRPT_OK) {
            return rc;
        }

        text += n;
        reader->text_size += n;
        n = len - n;
    }

    reader->text_size += n;

    return tlsrpt_json_feed(reader->json, text, n);
}


void
tlsrpt_reader_reset(tlsrpt_reader_t *reader, const tlsrpt_reader_conf_t *conf)
{
    tlsrpt_inflate_reset(reader->inflate, conf->max_size, take_text, reader);
    tlsrpt_json_reset(reader->json, tlsrpt_builder_event, &reader->builder);
    tlsrpt_builder_reset(&reader->builder, reader->json, conf);
    memset(&reader->error, 0, sizeof(reader->error));
    reader->text_size = 0;
    reader->deviations = conf->deviations;

    reader->keeps_text = conf->keep_text;

    if (conf->keep_text && reader->text == NULL) {
        reader->text = malloc(TLSRPT_TEXT_WHOLE);

        if (reader->text == NULL) {
            reader->error.code = TLSRPT_ERR_MEMORY;
        }
    }
}


const tlsrpt_error_t *
tlsrpt_reader_error(const tlsrpt_reader_t *reader)
{
    return &reader->error;
}


size_t
tlsrpt_reader_text_size(const tlsrpt_reader_t *reader)
{
    return reader->text_size;
}


static int
is_of_bytes(int code)
{
    return code == TLSRPT_ERR_GZIP || code == TLSRPT_ERR_GZIP_TRUNCATED
           || code == TLSRPT_ERR_GZIP_NESTED || code == TLSRPT_ERR_ZIP
           || code == TLSRPT_ERR_EMPTY || code == TLSRPT_ERR_NOT_REPORT
           || code == TLSRPT_ERR_TOO_LARGE || code == TLSRPT_ERR_RATIO;
}


/* What was found earlier than it is told. */

static void
stand_where(tlsrpt_error_t *error, const tlsrpt_error_t *found)
{
    if (found->line) {
        error->offset = found->offset;
        error->line = found->line;
        error->column = found->column;
    }
}


/* Tells where: of a fault of the bytes their offset, of all others the place
   in the text and the path in the document. */

static int
fail(tlsrpt_reader_t *reader, int code)
{
    const char      *message;
    tlsrpt_error_t  *error = &reader->error;

    if (code == TLSRPT_OK || error->code != TLSRPT_OK) {
        return error->code;
    }

    error->code = code;

    if (is_of_bytes(code)) {
        error->offset = tlsrpt_inflate_offset(reader->inflate);
        message = tlsrpt_inflate_message(reader->inflate);

        if (message != NULL) {
            snprintf(error->detail, TLSRPT_DETAIL_LEN, "%s", message);
        }

        return code;
    }

    tlsrpt_json_position(reader->json, &error->offset, &error->line,
                         &error->column);

    if (reader->builder.error.code == code) {
        memcpy(error->path, reader->builder.error.path, TLSRPT_PATH_LEN);
        memcpy(error->detail, reader->builder.error.detail,
               TLSRPT_DETAIL_LEN);
        stand_where(error, &reader->builder.error);

    } else {
        tlsrpt_builder_path(&reader->builder, error->path);
    }

    return code;
}


int
tlsrpt_reader_feed(tlsrpt_reader_t *reader, const void *bytes, size_t len)
{
    if (reader->error.code != TLSRPT_OK) {
        return reader->error.code;
    }

    return fail(reader, tlsrpt_inflate_feed(reader->inflate, bytes, len));
}


static void
warn_of_deviations(tlsrpt_reader_t *reader, unsigned deviations)
{
    static const struct {
        unsigned     bit;
        const char  *section;
        const char  *message;
    } of_bytes[] = {
        { TLSRPT_INFLATE_TWICE, "RFC 8460 5.2", "compressed twice" },
        { TLSRPT_INFLATE_MEMBERS, "RFC 8460 5.2", "several gzip members" },
        { TLSRPT_INFLATE_TRAILING, "RFC 8460 5.2",
          "bytes after the gzip data, passed over" }
    }, of_text[] = {
        { TLSRPT_JSON_BOM, "RFC 8259 8.1", "begins with a byte order mark" },
        { TLSRPT_JSON_NULS, "RFC 8259 2", "NUL bytes after the JSON text" }
    };

    for (size_t i = 0; i < sizeof(of_bytes) / sizeof(of_bytes[0]); i++) {
        if (deviations & of_bytes[i].bit) {
            tlsrpt_builder_warn_at(&reader->builder, "", of_bytes[i].section,
                                   "%s", of_bytes[i].message);
        }
    }

    for (size_t i = 0; i < sizeof(of_text) / sizeof(of_text[0]); i++) {
        if (tlsrpt_json_deviations(reader->json) & of_text[i].bit) {
            tlsrpt_builder_warn_at(&reader->builder, "", of_text[i].section,
                                   "%s", of_text[i].message);
        }
    }
}


int
tlsrpt_reader_finish(tlsrpt_reader_t *reader, const tlsrpt_report_t **report)
{
    int             rc = reader->error.code;
    unsigned        deviations;
    tlsrpt_source_t  *text = &reader->builder.report.text;

    if (rc == TLSRPT_OK) {
        rc = fail(reader, tlsrpt_inflate_finish(reader->inflate));
    }

    if (rc == TLSRPT_OK) {
        rc = fail(reader, tlsrpt_json_finish(reader->json));
    }

    if (rc == TLSRPT_OK) {
        rc = fail(reader, tlsrpt_builder_finish(&reader->builder));
    }

    if (rc != TLSRPT_OK) {
        return rc;
    }

    deviations = reader->deviations
                 | tlsrpt_inflate_deviations(reader->inflate);
    warn_of_deviations(reader, deviations);

    text->data = reader->keeps_text ? reader->text : NULL;
    text->len = reader->text_size;
    text->deviations = deviations & ~TLSRPT_INFLATE_PLAIN;
    *report = &reader->builder.report;

    return TLSRPT_OK;
}
