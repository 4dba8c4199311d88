/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_registry_proof.h"


static tlsrpt_str_t
trim(const char *s, size_t len)
{
    while (len && tlsrpt_is_space(*s)) {
        s++;
        len--;
    }

    while (len && tlsrpt_is_space(s[len - 1])) {
        len--;
    }

    return (tlsrpt_str_t) { s, len };
}


static int
shows_value(const tlsrpt_enrolment_t *e, const tlsrpt_shown_t *shown)
{
    for (size_t i = 0; i < shown->nverify; i++) {
        if (tlsrpt_token_equal(trim(shown->verify[i].data,
                                    shown->verify[i].len), e->value))
        {
            return 1;
        }
    }

    return 0;
}


/* The first URI stands behind "rua =". */

static tlsrpt_str_t
without_name(tlsrpt_str_t piece)
{
    const char  *equals;

    if (tlsrpt_str_begins_in_any_case(piece, "rua")) {
        equals = memchr(piece.data, '=', piece.len);

        if (equals != NULL) {
            piece.len -= (size_t) (equals + 1 - piece.data);
            piece = trim(equals + 1, piece.len);
        }
    }

    return piece;
}


/* An URI without what may follow its path. */

static size_t
end_of_path(tlsrpt_str_t uri)
{
    size_t  n = 0;

    while (n < uri.len && uri.data[n] != '?' && uri.data[n] != '#') {
        n++;
    }

    return n;
}


/* Nobody but its owner is told a token before DNS shows it: where the URI leads
   is of no matter. */

static int
names_token(tlsrpt_str_t uri, tlsrpt_str_t token)
{
    char    text[TLSRPT_TOKEN_LEN + 1];
    size_t  begin;

    uri.len = end_of_path(uri);

    if (tlsrpt_str_begins_in_any_case(uri, "mailto:")) {
        return tlsrpt_token_of_address(uri, text)
               && tlsrpt_token_equal((tlsrpt_str_t) { text, TLSRPT_TOKEN_LEN },
                                     token);
    }

    if (uri.len && uri.data[uri.len - 1] == '/') {
        uri.len--;
    }

    begin = uri.len;

    while (begin && uri.data[begin - 1] != '/') {
        begin--;
    }

    return begin > 0
           && tlsrpt_token_equal((tlsrpt_str_t) { uri.data + begin,
                                                  uri.len - begin }, token);
}


/* "v=TLSRPTv1; rua=URI,URI" (RFC 8460 3): any of its URIs.  Commas and
   semicolons in an URI are encoded. */

static int
record_names_token(tlsrpt_str_t record, tlsrpt_str_t token)
{
    size_t  begin = 0;

    if (!tlsrpt_str_begins_in_any_case(record, "v=tlsrptv1")) {
        return 0;
    }

    for (size_t i = 0; i <= record.len; i++) {
        if (i < record.len && record.data[i] != ',' && record.data[i] != ';') {
            continue;
        }

        if (names_token(without_name(trim(record.data + begin, i - begin)),
                        token))
        {
            return 1;
        }

        begin = i + 1;
    }

    return 0;
}


static int
shows_reporting(const tlsrpt_enrolment_t *e, const tlsrpt_shown_t *shown)
{
    for (size_t i = 0; i < shown->nreporting; i++) {
        if (record_names_token(trim(shown->reporting[i].data,
                                    shown->reporting[i].len), e->token))
        {
            return 1;
        }
    }

    return 0;
}


unsigned
tlsrpt_proof_of(const tlsrpt_enrolment_t *e, const tlsrpt_shown_t *shown)
{
    return (shows_value(e, shown) ? TLSRPT_PROOF_VERIFY : 0)
           | (shows_reporting(e, shown) ? TLSRPT_PROOF_REPORTING : 0);
}


int
tlsrpt_proof_is_gone(const tlsrpt_enrolment_t *e, const tlsrpt_shown_t *shown)
{
    return shown->verify_known && shown->reporting_known
           && tlsrpt_proof_of(e, shown) == 0;
}
