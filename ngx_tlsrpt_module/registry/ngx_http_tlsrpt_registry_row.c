/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_registry_row.h"
#include "mta_sts_policy.h"


static void ngx_http_tlsrpt_row_claim(ngx_http_tlsrpt_row_t *row,
    const tlsrpt_enrolment_t *e);
static ngx_uint_t ngx_http_tlsrpt_row_state(const tlsrpt_enrolment_t *e);
static ngx_int_t ngx_http_tlsrpt_row_policy(ngx_http_tlsrpt_row_t *row,
    const tlsrpt_enrolment_t *e);
static ngx_str_t ngx_http_tlsrpt_row_str(tlsrpt_str_t s);


ngx_int_t
ngx_http_tlsrpt_row(ngx_http_tlsrpt_row_t *row, const ngx_str_t *name,
    const tlsrpt_reply_t *reply, tlsrpt_registry_record_t **found)
{
    int                        broken;
    size_t                     i;
    tlsrpt_registry_record_t  *record;

    record = tlsrpt_registry_record_of(reply, &broken);

    if (record == NULL) {
        return broken ? NGX_DECLINED : NGX_ERROR;
    }

    row->name = *name;
    row->version = record->version;
    row->until = 0;
    row->vanished = 0;
    row->nclaims = 0;
    row->withdrawn = record->left_owner.data != NULL;
    ngx_str_set(&row->text, "");
    ngx_str_set(&row->id, "");

    if (record->newer
        || (record->holder
            && ngx_http_tlsrpt_row_policy(row, record->holder) != NGX_OK))
    {
        tlsrpt_registry_record_destroy(record);
        return NGX_DECLINED;
    }

    if (record->holder) {
        ngx_http_tlsrpt_row_claim(row, record->holder);
    }

    for (i = 0; i < record->npending; i++) {
        ngx_http_tlsrpt_row_claim(row, record->pending[i]);
    }

    *found = record;

    return NGX_OK;
}


static void
ngx_http_tlsrpt_row_claim(ngx_http_tlsrpt_row_t *row,
    const tlsrpt_enrolment_t *e)
{
    ngx_http_tlsrpt_row_claim_t  *claim;

    if (row->nclaims == NGX_HTTP_TLSRPT_CLAIMS
        || e->token.len > NGX_HTTP_TLSRPT_TOKEN_LEN
        || e->owner.len > NGX_HTTP_TLSRPT_OWNER_LEN)
    {
        return;
    }

    claim = &row->claims[row->nclaims++];

    claim->owner = ngx_http_tlsrpt_row_str(e->owner);
    claim->token = ngx_http_tlsrpt_row_str(e->token);
    claim->state = ngx_http_tlsrpt_row_state(e);
    claim->proved = (time_t) e->proved;
}


static ngx_uint_t
ngx_http_tlsrpt_row_state(const tlsrpt_enrolment_t *e)
{
    switch (e->state) {

    case TLSRPT_ACTIVE:
        return NGX_HTTP_TLSRPT_ACTIVE;

    case TLSRPT_LEAVING:
        return NGX_HTTP_TLSRPT_LEAVING;

    default:
        return NGX_HTTP_TLSRPT_PENDING;
    }
}


/* What is served of the domain that this one holds.  NGX_DECLINED: no policy
   can be made of it. */

static ngx_int_t
ngx_http_tlsrpt_row_policy(ngx_http_tlsrpt_row_t *row,
    const tlsrpt_enrolment_t *e)
{
    static char              text[MTA_STS_MAX_SIZE];
    static char              id[MTA_STS_ID_LEN + 1];
    static mta_sts_policy_t  policy;        /* too large for the stack */

    if (tlsrpt_enrolment_follows(e)) {
        row->text = ngx_http_tlsrpt_row_str(e->same_as);
        row->mode = NGX_HTTP_TLSRPT_SAME_AS;

        if (e->same_owner.len) {            /* else it is the operator's */
            row->id = ngx_http_tlsrpt_row_str(e->same_owner);
        }

        return NGX_OK;
    }

    if (!tlsrpt_enrolment_policy(e, ngx_http_tlsrpt_zone_now(), &policy)) {
        row->until = (time_t) e->ends;
        return NGX_OK;
    }

    row->text.len = mta_sts_policy_text(&policy, text, sizeof(text));
    row->text.data = (u_char *) text;

    mta_sts_policy_id(&policy, id);
    row->id.len = ngx_strlen(id);
    row->id.data = (u_char *) id;

    row->mode = (ngx_uint_t) policy.mode;

    if (e->state == TLSRPT_LEAVING) {
        row->until = (time_t) e->ends;

    } else if (e->state == TLSRPT_ACTIVE && e->mode < 0) {
        /* its policy was taken away (RFC 8461 8.3) */
        row->until = (time_t) tlsrpt_enrolment_held(e,
                                                 ngx_http_tlsrpt_zone_now());
    }

    return row->text.len > sizeof(text) ? NGX_DECLINED : NGX_OK;
}


static ngx_str_t
ngx_http_tlsrpt_row_str(tlsrpt_str_t s)
{
    return (ngx_str_t) { s.len, (u_char *) s.data };
}
