/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_held.h"


static ngx_int_t ngx_http_tlsrpt_held_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown);


ngx_int_t
ngx_http_tlsrpt_held(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin,
    ngx_http_tlsrpt_admin_pt then)
{
    if (ngx_http_tlsrpt_is_operator(admin)) {
        return then(r, admin);
    }

    admin->then = then;

    return ngx_http_tlsrpt_enrolled(r, admin, ngx_http_tlsrpt_held_read);
}


static ngx_int_t
ngx_http_tlsrpt_held_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown)
{
    if (shown->state == TLSRPT_PENDING) {
        return ngx_http_tlsrpt_error(en->request, NGX_HTTP_NOT_FOUND,
                                     "no such domain is enrolled");
    }

    en->admin->proved = (time_t) shown->proved;

    return en->admin->then(en->request, en->admin);
}
