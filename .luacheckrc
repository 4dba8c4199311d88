-- rspamd's LuaJIT, and what rspamd gives to its plugins.
std = "luajit"
max_line_length = 80
files["rspamd_plugin"].read_globals = {
    "confighelp",
    "rspamd_config",
}
files["rspamd_plugin"].globals = { "rspamd_plugins" }
-- And to the commands of rspamadm.
files["rspamd_plugin/lualib/rspamadm"].read_globals = {
    "rspamadm_ev_base",
    "rspamadm_session",
    "rspamd_config",
    "rspamd_paths",
}
-- Redis's own Lua.
files["shared/store/*.lua"].std = "lua51"
files["shared/store/*.lua"].read_globals = { "redis", "KEYS", "ARGV", "cjson" }
