# Read by nginx's auto/make: the rules for the generated sources.

for tlsrpt_lua in $ngx_addon_dir/shared/*/*.lua; do
    tlsrpt_script=`basename $tlsrpt_lua .lua`
    tlsrpt_c=$NGX_OBJS/tlsrpt/tlsrpt_${tlsrpt_script}_script.c

    cat << END                                                >> $NGX_MAKEFILE

$tlsrpt_c: \
	$tlsrpt_lua $ngx_addon_dir/tools/script-to-c
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/script-to-c $tlsrpt_script \
	    $tlsrpt_lua > \$@.tmp
	mv \$@.tmp \$@

END
done

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/tlsrpt/tlsrpt_explain_texts.c: \
	$ngx_addon_dir/shared/base/explain.txt $ngx_addon_dir/tools/explain-to-c
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/explain-to-c \
	    $ngx_addon_dir/shared/base/explain.txt > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/tlsrpt/tlsrpt_version.c: \
	$ngx_addon_dir/VERSION $ngx_addon_dir/tools/version-to-c
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/version-to-c $ngx_addon_dir/VERSION > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/tlsrpt/tlsrpt_dictionaries.c: \
	$ngx_addon_dir/shared/store/report-1.dict \
	$ngx_addon_dir/shared/store/problem-1.dict \
	$ngx_addon_dir/tools/dictionary-to-c
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/dictionary-to-c \
	    $ngx_addon_dir/shared/store/report-1.dict \
	    $ngx_addon_dir/shared/store/problem-1.dict > \$@.tmp
	mv \$@.tmp \$@

$NGX_OBJS/tlsrpt/ngx_http_tlsrpt_dashboard_files.c: \
	$ngx_addon_dir/tools/dashboard-to-c \
	$ngx_addon_dir/VERSION \
	`echo $ngx_addon_dir/ngx_tlsrpt_module/dashboard/*`
	mkdir -p $NGX_OBJS/tlsrpt
	$ngx_addon_dir/tools/dashboard-to-c \
	    $ngx_addon_dir/ngx_tlsrpt_module/dashboard \
	    \`cat $ngx_addon_dir/VERSION\` > \$@.tmp
	mv \$@.tmp \$@

END
