# Read by nginx's auto/make: the rule for the one generated source.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/tlsrpt/tlsrpt_ingest_script.c: \
	$ngx_addon_dir/shared/redis/ingest.lua $ngx_addon_dir/tools/script-to-c
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/script-to-c ingest \
	    $ngx_addon_dir/shared/redis/ingest.lua > \$@.tmp
	mv \$@.tmp \$@

END
