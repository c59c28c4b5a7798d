export const corsHeaders = { "access-control-allow-origin": "*" };
