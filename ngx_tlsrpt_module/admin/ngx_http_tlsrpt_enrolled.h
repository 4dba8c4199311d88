/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What Redis knows of an enrolled domain, read for one request.
 */

#ifndef NGX_HTTP_TLSRPT_ENROLLED_H
#define NGX_HTTP_TLSRPT_ENROLLED_H

#include "ngx_http_tlsrpt_admin.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

/* Named in a refusal, at most. */
typedef struct {
    ngx_http_request_t         *request;
    ngx_http_tlsrpt_admin_t    *admin;
    const tlsrpt_enrol_body_t  *body;       /* PUT; else NULL */
    ngx_uint_t                  leaves;     /* DELETE: followers are read */

    tlsrpt_change_how_t         how;        /* now: Redis's time */
    tlsrpt_registry_record_t   *record;     /* of admin->domain */
    tlsrpt_command_t           *names;      /* asked for, of the owner */
    tlsrpt_registry_record_t   *next;       /* of body->same_as */
    tlsrpt_registry_record_t   *was;        /* of the same-as that it has now */
    ngx_str_t                   was_name;   /* len 0: it has none */
    int64_t                     was_held;   /* of a configured one: so long
                                               senders hold what was served */
    tlsrpt_str_t               *followers;  /* that who asks may know of */
    ngx_uint_t                  nfollowers;

    ngx_uint_t                  step;
    ngx_uint_t                  asked;
    tlsrpt_key_read_t           read;
} ngx_http_tlsrpt_enrolled_t;

/* From the start, once more too. */
void ngx_http_tlsrpt_enrolled_begin(ngx_http_tlsrpt_enrolled_t *en);
void ngx_http_tlsrpt_enrolled_free(ngx_http_tlsrpt_enrolled_t *en);

/* As a fetch's _next() and _reply(); NGX_ERROR: a record cannot be read, which
   is logged, or there is no memory. */
ngx_int_t ngx_http_tlsrpt_enrolled_next(ngx_http_tlsrpt_enrolled_t *en,
    ngx_http_tlsrpt_ask_t *ask);
ngx_int_t ngx_http_tlsrpt_enrolled_reply(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply);

/* The enrolment that whoever asks means: an owner its own; the operator that of
   the holder, else its own, else the first that waits.  NULL: none. */
const tlsrpt_enrolment_t *ngx_http_tlsrpt_enrolled_shown(
    ngx_http_tlsrpt_enrolled_t *en);

/* For a change: what it is to be, or was, same-as.  NULL: there is no such
   thing, or none is named. */
const tlsrpt_other_t *ngx_http_tlsrpt_enrolled_next_other(
    ngx_http_tlsrpt_enrolled_t *en, tlsrpt_other_t *other);
const tlsrpt_other_t *ngx_http_tlsrpt_enrolled_was_other(
    ngx_http_tlsrpt_enrolled_t *en, tlsrpt_other_t *other);

/* What is served of an enrolment of the record; to be freed by
   tlsrpt_served_free().  NGX_OK or NGX_ERROR: no memory. */
ngx_int_t ngx_http_tlsrpt_enrolled_served(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *e, tlsrpt_served_t *served);

/* D, as it is answered.  NULL: no memory. */
json_t *ngx_http_tlsrpt_enrolled_json(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *e);

/* Reads what there is of admin->domain, and calls then(), which answers as a
   content handler does; shown: ngx_http_tlsrpt_enrolled_shown(), never NULL:
   404 is answered without it. */
typedef ngx_int_t (*ngx_http_tlsrpt_enrolled_pt)(
    ngx_http_tlsrpt_enrolled_t *en, const tlsrpt_enrolment_t *shown);

ngx_int_t ngx_http_tlsrpt_enrolled(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_http_tlsrpt_enrolled_pt then);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ENROLLED_H */
