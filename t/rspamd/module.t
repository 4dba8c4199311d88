# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Builds and runs lua_module.c: the Lua C module without rspamd, which the
# sanitizers do not get along with.

use strict;
use warnings;

use File::Temp ();
use TLSRPT::Server;

my $top = TLSRPT::Server->top;
my $temp = File::Temp->newdir('tlsrpt-XXXXXX', TMPDIR => 1);
my %made = (
    'tlsrpt_version.c' => "version-to-c $top/VERSION",
    'tlsrpt_explain_texts.c' => "explain-to-c $top/shared/base/explain.txt",
    'tlsrpt_dictionaries.c' => "dictionary-to-c $top/shared/store/report-1.dict"
                               . " $top/shared/store/problem-1.dict",
    map { m{(\w+)\.lua$} ? ("tlsrpt_$1_script.c" => "script-to-c $1 $_") : () }
        glob "$top/shared/*/*.lua",
);

for my $name (keys %made) {
    system("$top/tools/$made{$name} > $temp/$name") == 0 or die $made{$name};
}

system(qw(gcc -std=c11 -O1 -g -Wall -Wextra -Werror
    -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer -I/usr/include/luajit-2.1), "-I$top/shared",
    (map { "-I$_" } glob("$top/shared/*/")),
    '-o', "$temp/lua_module",
    "$top/t/rspamd/lua_module.c", glob("$top/rspamd_plugin/*.c"),
    (map { "$temp/$_" } keys %made),
    glob("$top/shared/*/*.c"),
    qw(-lluajit-5.1 -lz -ldeflate -lzstd -ljansson -lidn2 -lpsl -lcrypto
       -lresolv -lssl)) == 0
    or die 'gcc';

exit(system("$temp/lua_module") >> 8 ? 1 : 0);
