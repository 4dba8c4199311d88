/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_admin.h"
#include "ngx_http_tlsrpt_admin_conf.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_module.h"


#define NGX_HTTP_TLSRPT_OWNER_MAX  100          /* domains */


static char *ngx_http_tlsrpt_admin_owner(ngx_conf_t *cf,
    ngx_http_tlsrpt_loc_conf_t *tlcf, ngx_str_t *value);
static char *ngx_http_tlsrpt_admin_max(ngx_http_tlsrpt_loc_conf_t *tlcf,
    ngx_str_t *value);


char *
ngx_http_tlsrpt_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_loc_conf_t  *tlcf = conf;

    char                      *rv;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->exact_match) {
        return "needs a location with others below it, not an exact one";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "owner=", 6) == 0) {
            rv = ngx_http_tlsrpt_admin_owner(cf, tlcf, &value[i]);

        } else if (ngx_strncmp(value[i].data, "max=", 4) == 0) {
            rv = ngx_http_tlsrpt_admin_max(tlcf, &value[i]);

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (tlcf->owner_max && tlcf->owner == NULL) {
        return "has \"max\" without \"owner\", and the operator has no limit";
    }

    if (tlcf->owner_max == 0) {
        tlcf->owner_max = NGX_HTTP_TLSRPT_OWNER_MAX;
    }

    tlcf->admin = 1;

    return ngx_http_tlsrpt_location_handler(cf, cmd,
                                            ngx_http_tlsrpt_admin_handler);
}


static char *
ngx_http_tlsrpt_admin_owner(ngx_conf_t *cf, ngx_http_tlsrpt_loc_conf_t *tlcf,
    ngx_str_t *value)
{
    ngx_str_t                         owner;
    ngx_http_compile_complex_value_t  ccv;

    if (tlcf->owner) {
        return "has \"owner\" twice";
    }

    owner.data = value->data + 6;
    owner.len = value->len - 6;

    if (owner.len == 0) {
        return "has an empty \"owner\": nobody could ask for anything";
    }

    tlcf->owner = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (tlcf->owner == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &owner;
    ccv.complex_value = tlcf->owner;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_http_tlsrpt_admin_max(ngx_http_tlsrpt_loc_conf_t *tlcf, ngx_str_t *value)
{
    ngx_int_t  max;

    max = ngx_atoi(value->data + 4, value->len - 4);

    if (max < 1) {
        return "needs a number of domains for \"max\", 1 or more";
    }

    if (tlcf->owner_max) {
        return "has \"max\" twice";
    }

    tlcf->owner_max = (ngx_uint_t) max;

    return NGX_CONF_OK;
}


char *
ngx_http_tlsrpt_certificates(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_loc_conf_t  *tlcf = conf;

    tlcf->certificates = 1;

    return ngx_http_tlsrpt_location_handler(cf, cmd,
                                      ngx_http_tlsrpt_certificates_handler);
}


char *
ngx_http_tlsrpt_provider_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf = conf;

    char        name[TLSRPT_DOMAIN_LEN + 1];
    ngx_str_t  *value;

    if (tmcf->zone.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    tmcf->zone.len = tlsrpt_domain_normalize((char *) value[1].data,
                                             value[1].len, name);
    if (tmcf->zone.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" in \"tlsrpt_zone\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    tmcf->zone.data = ngx_pnalloc(cf->pool, tmcf->zone.len);
    if (tmcf->zone.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(tmcf->zone.data, name, tmcf->zone.len);

    return NGX_CONF_OK;
}


void
ngx_http_tlsrpt_admin_remark(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tlsrpt_module);

    if (!tmcf->registry.on) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"tlsrpt_admin\" in location \"%V\" without "
                      "\"tlsrpt_registry on\": what is enrolled there is "
                      "neither accepted nor served here", &clcf->name);
    }
}
