"""What may help which finding: a small sourced library, silent as soon as anything says stop."""

from soleus.guidance.library import MAX_SHOWN, Guidance, guidance_for, guidance_markdown, load_guidance

__all__ = ["MAX_SHOWN", "Guidance", "guidance_for", "guidance_markdown", "load_guidance"]
