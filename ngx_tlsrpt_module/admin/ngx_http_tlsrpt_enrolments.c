/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_enrolments.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_roll.h"
#include "ngx_http_tlsrpt_text.h"
#include "tlsrpt_domain_part.h"


#define NGX_HTTP_TLSRPT_ENROLMENTS_DEFAULT  100         /* domains of a page */
#define NGX_HTTP_TLSRPT_ENROLMENTS_MAX      1000


typedef struct {
    ngx_http_request_t        *request;
    ngx_http_tlsrpt_admin_t    admin;
    ngx_http_tlsrpt_roll_t     roll;

    /* what is asked for */
    ngx_str_t                  owner;       /* with owned */
    int                        state;       /* -1: any */
    tlsrpt_domain_part_t       part;        /* len 0: of any name */
    ngx_uint_t                 limit;
    unsigned                   owned:1;
    unsigned                   exports:1;

    /* what there is */
    json_t                    *domains;
    ngx_uint_t                 ndomains;
    ngx_str_t                  last;        /* name in it */
    unsigned                   more:1;      /* of them */
    ngx_http_tlsrpt_text_t     text;        /* of the export */
    tlsrpt_buf_t               buf;
} ngx_http_tlsrpt_enrolments_t;


static ngx_int_t ngx_http_tlsrpt_enrolments_refused(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrolments_t *list);
static int ngx_http_tlsrpt_enrolments_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_enrolments_state(
    ngx_http_tlsrpt_enrolments_t *list, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error);
static int ngx_http_tlsrpt_enrolments_limit(
    ngx_http_tlsrpt_enrolments_t *list, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error);
static int ngx_http_tlsrpt_enrolments_copy(ngx_http_tlsrpt_enrolments_t *list,
    ngx_str_t *copy, tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_enrolments_one(void *data,
    const ngx_http_tlsrpt_roll_one_t *one);
static ngx_uint_t ngx_http_tlsrpt_enrolments_takes(
    ngx_http_tlsrpt_enrolments_t *list, const tlsrpt_enrolment_t *e);
static ngx_uint_t ngx_http_tlsrpt_enrolments_any(
    ngx_http_tlsrpt_enrolments_t *list, const tlsrpt_registry_record_t *record);
static ngx_int_t ngx_http_tlsrpt_enrolments_add(
    ngx_http_tlsrpt_enrolments_t *list, const ngx_http_tlsrpt_roll_one_t *one,
    const tlsrpt_enrolment_t *e);
static ngx_int_t ngx_http_tlsrpt_enrolments_last(
    ngx_http_tlsrpt_enrolments_t *list, tlsrpt_str_t domain);
static ngx_int_t ngx_http_tlsrpt_enrolments_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_enrolments_destroy(void *data);


static const ngx_http_tlsrpt_roll_type_t  ngx_http_tlsrpt_enrolments_roll = {
    ngx_http_tlsrpt_enrolments_one,
    ngx_http_tlsrpt_enrolments_done,
    ngx_http_tlsrpt_enrolments_destroy
};


ngx_int_t
ngx_http_tlsrpt_enrolments(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    ngx_int_t                      rc;
    ngx_http_tlsrpt_enrolments_t  *list;

    list = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_enrolments_t));
    if (list == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    list->request = r;
    list->admin = *admin;
    list->state = -1;
    list->limit = NGX_HTTP_TLSRPT_ENROLMENTS_DEFAULT;

    rc = ngx_http_tlsrpt_enrolments_refused(r, list);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (!ngx_http_tlsrpt_is_operator(admin)) {
        list->owner = list->admin.owner;
        list->owned = 1;
    }

    list->domains = json_array();
    if (list->domains == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    list->roll.type = &ngx_http_tlsrpt_enrolments_roll;
    list->roll.data = list;
    list->roll.page = TLSRPT_REGISTRY_PAGE / 4;

    if (list->owner.len) {
        list->roll.owner = ngx_http_tlsrpt_str(&list->owner);
    }

    return ngx_http_tlsrpt_roll(r, &list->roll);
}


/* NGX_DECLINED: it is not; else what a content handler returns. */

static ngx_int_t
ngx_http_tlsrpt_enrolments_refused(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrolments_t *list)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_enrolments_param, list,
                               &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    if (!ngx_http_tlsrpt_is_operator(&list->admin)
        && (list->exports || list->owned))
    {
        return ngx_http_tlsrpt_error_at(r, NGX_HTTP_FORBIDDEN,
                                        list->exports ? "export" : "owner",
                                        "that is the operator's alone");
    }

    return NGX_DECLINED;
}


static int
ngx_http_tlsrpt_enrolments_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_enrolments_t *list = data;

    if (tlsrpt_param_is(name, "state")) {
        return ngx_http_tlsrpt_enrolments_state(list, name, value, error);
    }

    if (tlsrpt_param_is(name, "owner")) {
        list->owned = 1;
        return ngx_http_tlsrpt_enrolments_copy(list, &list->owner, value,
                                               error);
    }

    if (tlsrpt_param_is(name, "name")) {
        return tlsrpt_domain_part_set(&list->part, value) == 0 ? TLSRPT_OK
               : tlsrpt_param_fail(error, name, "it can be part of no name");
    }

    if (tlsrpt_param_is(name, "cursor")) {
        return ngx_http_tlsrpt_enrolments_copy(list, &list->roll.after, value,
                                               error);
    }

    if (tlsrpt_param_is(name, "limit")) {
        return ngx_http_tlsrpt_enrolments_limit(list, name, value, error);
    }

    if (tlsrpt_param_is(name, "export")) {
        list->exports = 1;
        return tlsrpt_str_is(value, "1") ? TLSRPT_OK
               : tlsrpt_param_fail(error, name, "not 1");
    }

    return tlsrpt_param_unknown(error, name);
}


static int
ngx_http_tlsrpt_enrolments_state(ngx_http_tlsrpt_enrolments_t *list,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    list->state = tlsrpt_enrolment_state(value);

    return list->state != -1 ? TLSRPT_OK
           : tlsrpt_param_fail(error, name,
                               "not one of pending, active, leaving");
}


static int
ngx_http_tlsrpt_enrolments_limit(ngx_http_tlsrpt_enrolments_t *list,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_int_t  limit;

    limit = ngx_atoi((u_char *) value.data, value.len);

    if (limit < 1 || limit > NGX_HTTP_TLSRPT_ENROLMENTS_MAX) {
        return tlsrpt_param_fail(error, name, "not a number from 1 to 1000");
    }

    list->limit = (ngx_uint_t) limit;

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_enrolments_copy(ngx_http_tlsrpt_enrolments_t *list,
    ngx_str_t *copy, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    copy->data = ngx_pnalloc(list->request->pool, value.len + 1);

    if (copy->data == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    ngx_memcpy(copy->data, value.data, value.len);
    copy->len = value.len;

    return TLSRPT_OK;
}


/* Of a domain the holder comes first, then those that wait. */

static ngx_int_t
ngx_http_tlsrpt_enrolments_one(void *data,
    const ngx_http_tlsrpt_roll_one_t *one)
{
    ngx_http_tlsrpt_enrolments_t *list = data;

    size_t  i;

    if ((list->part.len
         && !tlsrpt_domain_part_is_in(&list->part, one->domain))
        || !ngx_http_tlsrpt_enrolments_any(list, one->record))
    {
        return NGX_OK;
    }

    if (!list->exports && list->ndomains == list->limit) {
        list->more = 1;
        return NGX_DONE;
    }

    list->ndomains++;

    if (ngx_http_tlsrpt_enrolments_add(list, one, one->record->holder)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < one->record->npending; i++) {
        if (ngx_http_tlsrpt_enrolments_add(list, one, one->record->pending[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return list->exports
           ? ngx_http_tlsrpt_text_spill(list->request, &list->text, &list->buf,
                                        NGX_HTTP_TLSRPT_TEXT_MEMORY)
           : ngx_http_tlsrpt_enrolments_last(list, one->domain);
}


static ngx_uint_t
ngx_http_tlsrpt_enrolments_any(ngx_http_tlsrpt_enrolments_t *list,
    const tlsrpt_registry_record_t *record)
{
    size_t  i;

    if (ngx_http_tlsrpt_enrolments_takes(list, record->holder)) {
        return 1;
    }

    for (i = 0; i < record->npending; i++) {
        if (ngx_http_tlsrpt_enrolments_takes(list, record->pending[i])) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_tlsrpt_enrolments_takes(ngx_http_tlsrpt_enrolments_t *list,
    const tlsrpt_enrolment_t *e)
{
    if (e == NULL || (list->state != -1 && (int) e->state != list->state)) {
        return 0;
    }

    if (!list->owned) {
        return 1;
    }

    return list->owner.len
           ? tlsrpt_str_equal(e->owner, ngx_http_tlsrpt_str(&list->owner))
           : e->owner.data == NULL;
}


static ngx_int_t
ngx_http_tlsrpt_enrolments_add(ngx_http_tlsrpt_enrolments_t *list,
    const ngx_http_tlsrpt_roll_one_t *one, const tlsrpt_enrolment_t *e)
{
    int              rc;
    tlsrpt_served_t  served;

    if (!ngx_http_tlsrpt_enrolments_takes(list, e)) {
        return NGX_OK;
    }

    if (list->exports) {
        return tlsrpt_enrolment_export(e, one->domain, &list->buf) == 0
               ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_tlsrpt_roll_served(&list->roll, one, e, &served) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = json_array_append_new(list->domains,
                               tlsrpt_enrolment_line(e, one->domain, &served));
    tlsrpt_served_free(&served);

    return rc == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tlsrpt_enrolments_last(ngx_http_tlsrpt_enrolments_t *list,
    tlsrpt_str_t domain)
{
    if (list->last.data == NULL) {
        list->last.data = ngx_pnalloc(list->request->pool,
                                      TLSRPT_DOMAIN_LEN + 1);
        if (list->last.data == NULL) {
            return NGX_ERROR;
        }
    }

    list->last.len = ngx_min(domain.len, TLSRPT_DOMAIN_LEN);
    ngx_memcpy(list->last.data, domain.data, list->last.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_enrolments_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_enrolments_t *list = data;

    json_t        *next;
    tlsrpt_buf_t  *buf;

    if (list->exports) {
        buf = &list->buf;

        return ngx_http_tlsrpt_text_send(r,
                                         "application/x-ndjson; charset=utf-8",
                                         &list->text, &buf, 1);
    }

    next = list->more ? json_stringn((char *) list->last.data, list->last.len)
                      : json_null();

    return ngx_http_tlsrpt_admin_json(r, NGX_HTTP_OK,
                                      json_pack("{s:O, s:o}", "domains",
                                                list->domains, "next", next));
}


static void
ngx_http_tlsrpt_enrolments_destroy(void *data)
{
    ngx_http_tlsrpt_enrolments_t *list = data;

    json_decref(list->domains);
    tlsrpt_buf_free(&list->buf);
}
